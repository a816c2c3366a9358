import StacksTransport
import Yams

/// A configuration file as it is written: its values, each with its line and column.
///
/// What is wrong with it as YAML is found here: what cannot be parsed, and keys that stand twice.
struct SettingsDocument {
    /// The most bytes of a file, and the most values in it. An alias counts as all that it stands for.
    static let maximumSize = 1 << 20
    private static let maximumValues = 100_000
    private static let maximumDepth = 50
    /// How many keys that stand twice are found.
    private static let maximumDuplicates = 100

    /// The pairs at the top.
    private(set) var root: SettingNode?
    private(set) var problems: [SettingProblem] = []

    private var values = 0

    /// The file at `path`.
    static func file(_ path: String) -> RegularFile { RegularFile(path: path, limit: maximumSize) }

    init(_ text: String) {
        if let place = Self.tooDeep(text) {
            fail(place, "this is nested too deep")
            return
        }
        let parsed: (node: Node?, duplicates: [SettingNode.Place: String])
        do {
            parsed = try Self.parse(text)
        } catch {
            problems.append(Self.problem(error))
            return
        }
        for (place, name) in parsed.duplicates {
            let name = VisibleText.escaped(name, limit: 100)
            problems.append(SettingProblem(place: place, message: "the key \(name) stands again in the same mapping"))
        }
        guard let node = parsed.node else {
            fail(.file(line: 1, column: 1), "the file is empty")
            return
        }
        root = convert(node, without: parsed.duplicates)
        problems.sort { $0.place < $1.place }
    }

    private mutating func fail(_ place: SettingNode.Place, _ message: String) {
        problems.append(SettingProblem(place: place, message: message))
    }

    private static func place(_ mark: Mark?) -> SettingNode.Place {
        .file(line: mark?.line ?? 1, column: mark?.column ?? 1)
    }

    // MARK: Values

    /// `nil` for what is not to be looked at, because it is a problem itself.
    private mutating func convert(_ node: Node, without duplicates: [SettingNode.Place: String]) -> SettingNode? {
        values += 1
        guard values <= Self.maximumValues else {
            if values == Self.maximumValues + 1 {
                fail(Self.place(node.mark), "the file has more than \(Self.maximumValues) values")
            }
            return nil
        }
        let place = Self.place(node.mark)
        switch node {
        case .scalar(let scalar): return SettingNode(content: .text(scalar.string), place: place)
        case .sequence(let sequence):
            return SettingNode(content: .list(sequence.compactMap { convert($0, without: duplicates) }), place: place)
        case .mapping(let mapping):
            var pairs: [(key: SettingNode, value: SettingNode)] = []
            for (key, value) in mapping where duplicates[Self.place(key.mark)] == nil {
                guard let key = convert(key, without: duplicates), let value = convert(value, without: duplicates)
                else { continue }
                pairs.append((key, value))
            }
            return SettingNode(content: .map(pairs), place: place)
        case .alias: return SettingNode(content: .text(""), place: place)
        }
    }

    // MARK: YAML

    /// Parses the text. A key that stands again in its mapping is found by the parser, which names the first of them and
    /// stops: that one gets another name then, and the text is parsed again.
    private static func parse(_ text: String) throws -> (node: Node?, duplicates: [SettingNode.Place: String]) {
        var text = text
        var duplicates: [SettingNode.Place: String] = [:]
        while true {
            do {
                return (try Parser(yaml: text).singleRoot(), duplicates)
            } catch YamlError.duplicatedKeysInMapping(let names, let context) {
                let name = names.first ?? ""
                let substitute = UnicodeScalar(0xE000 + UInt32(duplicates.count)).map(String.init) ?? ""
                duplicates[place(context.mark)] = name
                guard duplicates.count < maximumDuplicates,
                    text.replace(name, at: context.mark, with: String(repeating: substitute, count: name.count))
                else { return (Node([(Node, Node)]()), duplicates) }
            }
        }
    }

    private static func problem(_ error: any Error) -> SettingProblem {
        let (mark, problem): (Mark?, String)
        switch error {
        case YamlError.scanner(_, let text, let place, _), YamlError.parser(_, let text, let place, _),
            YamlError.composer(_, let text, let place, _):
            (mark, problem) = (place, text)
        case YamlError.reader(let text, _, _, _): (mark, problem) = (nil, text)
        default: (mark, problem) = (nil, "\(error)")
        }
        return SettingProblem(
            place: place(mark), message: "this is not YAML: \(VisibleText.escaped(problem, limit: 300))")
    }

    /// Where the nesting is deeper than any configuration's: the parser calls itself for each level.
    private static func tooDeep(_ text: String) -> SettingNode.Place? {
        var (line, column, brackets) = (1, 0, 0)
        // A block is nested no deeper than what its line begins with is long.
        var isBeginning = true
        for byte in text.utf8 {
            column += 1
            switch byte {
            case UInt8(ascii: "\n"): (line, column, isBeginning) = (line + 1, 0, true)
            case UInt8(ascii: "["), UInt8(ascii: "{"): brackets += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"): brackets = max(0, brackets - 1)
            case UInt8(ascii: " "), UInt8(ascii: "-"), UInt8(ascii: "?"), UInt8(ascii: ":"): break
            default: isBeginning = false
            }
            if brackets > maximumDepth || isBeginning && column > 10 * maximumDepth {
                return .file(line: line, column: column)
            }
        }
        return nil
    }
}

extension String {
    /// Puts `substitute` in the place of `name`, which stands at `mark`, in quotation marks perhaps. False if it does not.
    fileprivate mutating func replace(_ name: String, at mark: Mark, with substitute: String) -> Bool {
        var start = startIndex
        for _ in 1..<mark.line {
            guard let end = self[start...].firstIndex(where: \.isNewline) else { return false }
            start = index(after: end)
        }
        let scalars = unicodeScalars
        guard let column = scalars.index(start, offsetBy: mark.column - 1, limitedBy: scalars.endIndex) else {
            return false
        }
        start = column
        if start < endIndex, self[start] == "\"" || self[start] == "'" { start = index(after: start) }
        guard !name.isEmpty, self[start...].hasPrefix(name) else { return false }
        replaceSubrange(start..<index(start, offsetBy: name.count), with: substitute)
        return true
    }
}
