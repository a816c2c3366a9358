import Foundation
import StacksTesting

/// Makes pages of jobs, and broken ones, from a seed.
struct DocumentGenerator: RandomNumberGenerator {
    private var generator: SeededGenerator

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    mutating func next() -> UInt64 { generator.next() }

    mutating func page(jobs: Int? = nil) -> String {
        let count = jobs ?? Int.random(in: 0...6, using: &self)
        let list = (0..<count).map { _ in job() }.joined(separator: "," + space())
        return
            "{\(space())\"jobs\"\(space()):[\(list)]\(space()),\"page_info\":{\"has_next_page\":\(Bool.random(using: &self))}}"
    }

    private mutating func job() -> String {
        var fields = [
            "\"id\":\(string(identifier()))", "\"priority\":\(number())",
            "\"agent_query_rules\":[\((0..<Int.random(in: 0...3, using: &self)).map { _ in string(text()) }.joined(separator: ","))]",
            "\"pipeline\":{\"slug\":\(optional(string(text())))}",
            "\"build\":{\"number\":\(optional("\(Int.random(in: 0...100_000, using: &self))")),\"branch\":\(string(text()))}",
            "\"unknown\":\(value(depth: 3))",
        ]
        fields.shuffle(using: &self)
        return "{" + fields.joined(separator: space() + ",") + space() + "}"
    }

    private mutating func identifier() -> String {
        if Int.random(in: 0..<8, using: &self) == 0 { return text() }
        let digits = Array("0123456789abcdef")
        return [8, 4, 4, 4, 12].map { count in
            String((0..<count).map { _ in digits.randomElement(using: &self)! })
        }.joined(separator: "-")
    }

    private mutating func text() -> String {
        let pieces = [
            "a", "main", "queue=default", "é", "€", "😀", "\"", "\\", "\n", "\u{1}", "/", "feature/long-branch-name",
            " ",
        ]
        return (0..<Int.random(in: 0...5, using: &self)).map { _ in pieces.randomElement(using: &self)! }.joined()
    }

    private mutating func string(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            let mustEscape = scalar.value < 0x20 || scalar == "\"" || scalar == "\\"
            if mustEscape || Int.random(in: 0..<10, using: &self) == 0 {
                for unit in String(scalar).utf16 {
                    let digits = String(unit, radix: 16, uppercase: Bool.random(using: &self))
                    result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                }
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    private mutating func number() -> String {
        ["0", "-5", "100", "1.0", "2e2", "-0", "123456789012345"].randomElement(using: &self)!
    }

    private mutating func value(depth: Int) -> String {
        switch Int.random(in: 0..<(depth == 0 ? 4 : 6), using: &self) {
        case 0: return "null"
        case 1: return number()
        case 2: return string(text())
        case 3: return "true"
        case 4: return "[\(value(depth: depth - 1)),\(value(depth: depth - 1))]"
        default: return "{\(string(text())):\(value(depth: depth - 1))}"
        }
    }

    private mutating func optional(_ value: String) -> String {
        Int.random(in: 0..<4, using: &self) == 0 ? "null" : value
    }

    private mutating func space() -> String { ["", "", " ", "\n\t"].randomElement(using: &self)! }

    /// The document with one thing wrong, perhaps: a byte changed, removed, repeated or put in, or its end cut off.
    mutating func mutated(_ document: [UInt8]) -> [UInt8] {
        var document = document
        // The first bytes stay: Foundation guesses the encoding from them, this package knows that it is UTF-8.
        let index = Int.random(in: 4..<document.count, using: &self)
        let interesting = Array("\"\\{}[],:0-.e tfn/u\u{1}".utf8) + [0x80, 0xC3, 0xED, 0xF4, 0xFF]
        switch Int.random(in: 0..<5, using: &self) {
        case 0: document[index] = interesting.randomElement(using: &self)!
        case 1: document.remove(at: index)
        case 2: document.insert(interesting.randomElement(using: &self)!, at: index)
        case 3: document.insert(document[index], at: index)
        default: document.removeSubrange(index...)
        }
        return document
    }

    /// Whether a key that is read stands in one object more often than the generator puts it there.
    func hasDuplicateKeys(_ document: [UInt8]) -> Bool {
        let text = String(decoding: document, as: UTF8.self)
        let jobs = text.components(separatedBy: "\"id\"").count
        return ["priority", "agent_query_rules", "pipeline", "build"].contains {
            text.components(separatedBy: "\"\($0)\"").count > jobs
        }
    }
}
