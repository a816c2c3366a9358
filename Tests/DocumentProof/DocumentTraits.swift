import Foundation

/// What is peculiar about a document, found by a plain reader that forgives whatever it can: it explains differences and
/// judges nothing.
struct DocumentTraits {
    private(set) var depth = 0
    private(set) var hasDuplicateNames = false
    private(set) var hasHugeNumbers = false
    private(set) var hasRoundedIntegers = false
    private(set) var hasTrailingCommas = false
    /// Whether a string is none by itself, because of what it holds.
    private(set) var hasBrokenText = false
    /// Whether the first bytes make Foundation take it for something else than plain UTF-8.
    let isOtherEncoding: Bool

    init(_ document: [UInt8]) {
        isOtherEncoding =
            document.prefix(4).contains(0)
            || [[0xFE, 0xFF], [0xFF, 0xFE]].contains { document.starts(with: $0) }
        scan(document)
    }

    private mutating func scan(_ document: [UInt8]) {
        var names: [Set<String>] = []
        var index = 0
        while index < document.count {
            switch document[index] {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                names.append([])
                depth = max(depth, names.count)
                index += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                _ = names.popLast()
                index += 1
            case UInt8(ascii: "\""):
                let end = endOfString(in: document, from: index)
                let text = document[index..<end]
                index = end
                let name =
                    (try? JSONSerialization.jsonObject(with: Data(text), options: .fragmentsAllowed)) as? String
                if name == nil { hasBrokenText = true }
                guard nextByte(in: document, from: end) == UInt8(ascii: ":"), !names.isEmpty else { break }
                if let name, !names[names.count - 1].insert(name).inserted { hasDuplicateNames = true }
            case UInt8(ascii: ","):
                index += 1
                if let next = nextByte(in: document, from: index), "]}".utf8.contains(next) { hasTrailingCommas = true }
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                let number = document[index...].prefix { "+-.eE0123456789".utf8.contains($0) }
                note(number: String(decoding: number, as: UTF8.self))
                index += number.count
            default:
                index += 1
            }
        }
    }

    private mutating func note(number: String) {
        let value = Double(number) ?? 0
        if !value.isFinite { hasHugeNumbers = true }
        // Zeros that are no zero: what is too small for a double.
        if value == 0, number.prefix(while: { $0 != "e" && $0 != "E" }).contains(where: { "123456789".contains($0) }) {
            hasHugeNumbers = true
            hasRoundedIntegers = true
        }
        if Int(number) == nil, value.magnitude >= 9_007_199_254_740_992 || number.utf8.count > 17 {
            hasRoundedIntegers = true
        }
    }

    private func endOfString(in document: [UInt8], from quote: Int) -> Int {
        var index = quote + 1
        while index < document.count, document[index] != UInt8(ascii: "\"") {
            index += document[index] == UInt8(ascii: "\\") ? 2 : 1
        }
        return min(index + 1, document.count)
    }

    private func nextByte(in document: [UInt8], from index: Int) -> UInt8? {
        document[index...].first { !" \n\r\t".utf8.contains($0) }
    }
}
