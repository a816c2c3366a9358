import StacksTransport
import YAMLEvents

/// Puts a file's values together from the events of its text.
struct SettingsComposer: ~Copyable {
    /// The most values of a file. An alias counts as all that it stands for.
    private static let maximumValues = 100_000
    /// How deep values may be nested, with those that aliases stand for.
    private static let maximumDepth = 50
    /// How many keys that stand again are told.
    private static let maximumRepeatedKeys = 100

    /// A value, with what it counts for wherever an alias stands for it.
    private struct Value {
        var node: SettingNode
        var values = 1
        /// How many values the deepest is in, itself included.
        var depth = 1
    }

    private var parser: YAMLParser
    private var values = 0
    private var anchors: [String: Value] = [:]
    /// The keys that stand again in their mapping. The first counts.
    private(set) var repeatedKeys: [SettingProblem] = []

    init(_ parser: consuming YAMLParser) { self.parser = parser }

    /// The only document.
    ///
    /// - Throws: ``SettingProblem`` when the text is not YAML, has no document or several, or exceeds a limit.
    mutating func document() throws(SettingProblem) -> SettingNode {
        guard try next() != nil, let first = try next(), let root = try value(first, depth: 1) else {
            throw SettingProblem(place: .file(line: 1, column: 1), message: "the file is empty")
        }
        if let more = try next() {
            throw SettingProblem(place: .init(more.place), message: "a second document begins here: the file has one")
        }
        return root.node
    }

    private mutating func next() throws(SettingProblem) -> YAMLEvent? {
        do { return try parser.next() } catch { throw SettingProblem(error) }
    }

    /// The value that begins with `event`; `nil` if none does.
    private mutating func value(_ event: YAMLEvent, depth: Int) throws(SettingProblem) -> Value? {
        let place = SettingNode.Place(event.place)
        switch event.kind {
        case .documentStart, .collectionEnd: return nil
        case .alias(let name): return try aliased(name, at: place, depth: depth)
        case .value(let kind, let anchor):
            try count(1, depth: depth, at: place)
            // An alias inside of the value stands neither for it nor for what had the anchor before.
            if let anchor { anchors[anchor] = nil }
            let value =
                switch kind {
                case .scalar(let text): Value(node: try scalar(text, at: place))
                case .sequence: try list(at: place, depth: depth)
                case .mapping: try mapping(at: place, depth: depth)
                }
            if let anchor { anchors[anchor] = value }
            return value
        }
    }

    private mutating func aliased(
        _ name: String, at place: SettingNode.Place, depth: Int
    ) throws(SettingProblem) -> Value {
        guard let value = anchors[name] else {
            let shown = VisibleText.escaped(name, limit: 100)
            throw SettingProblem(
                place: place, message: "this is not YAML: no value before this alias has the anchor '\(shown)'")
        }
        try count(value.values, depth: depth + value.depth - 1, at: place)
        return value
    }

    /// A path or an argument would end at a zero byte, which can be written as `"\0"`.
    private func scalar(_ text: String, at place: SettingNode.Place) throws(SettingProblem) -> SettingNode {
        if text.utf8.contains(0) {
            throw SettingProblem(place: place, message: "this text has a zero byte, which no setting can have")
        }
        return SettingNode(content: .text(text), place: place)
    }

    private mutating func list(at place: SettingNode.Place, depth: Int) throws(SettingProblem) -> Value {
        var whole = Value(node: SettingNode(content: .list([]), place: place))
        var nodes: [SettingNode] = []
        while let part = try part(of: &whole, depth: depth) { nodes.append(part.node) }
        whole.node.content = .list(nodes)
        return whole
    }

    private mutating func mapping(at place: SettingNode.Place, depth: Int) throws(SettingProblem) -> Value {
        var whole = Value(node: SettingNode(content: .map([]), place: place))
        var pairs: [(key: SettingNode, value: SettingNode)] = []
        var lines: [String: Int] = [:]
        while let key = try part(of: &whole, depth: depth), let value = try part(of: &whole, depth: depth) {
            guard let name = key.node.text, case .file(let line, _) = key.place else {
                pairs.append((key.node, value.node))
                continue
            }
            if let first = lines[name] {
                tellRepeated(name, at: key.place, first: first)
            } else {
                lines[name] = line
                pairs.append((key.node, value.node))
            }
        }
        whole.node.content = .map(pairs)
        return whole
    }

    /// The next value of a list or mapping, with the place where it stands: another than the value's if an alias does.
    private mutating func part(
        of whole: inout Value, depth: Int
    ) throws(SettingProblem) -> (node: SettingNode, place: SettingNode.Place)? {
        guard let event = try next(), let part = try value(event, depth: depth + 1) else { return nil }
        whole.values += part.values
        whole.depth = max(whole.depth, part.depth + 1)
        return (part.node, .init(event.place))
    }

    // MARK: Limits

    private mutating func count(_ more: Int, depth: Int, at place: SettingNode.Place) throws(SettingProblem) {
        values += more
        if values > Self.maximumValues {
            throw SettingProblem(place: place, message: "the file has more than \(Self.maximumValues) values")
        }
        if depth > Self.maximumDepth {
            throw SettingProblem(
                place: place, message: "this is nested too deep: \(Self.maximumDepth) levels are the most")
        }
    }

    private mutating func tellRepeated(_ name: String, at place: SettingNode.Place, first line: Int) {
        guard repeatedKeys.count <= Self.maximumRepeatedKeys else { return }
        let name = VisibleText.escaped(name, limit: 100)
        let message =
            repeatedKeys.count < Self.maximumRepeatedKeys
            ? "the key \(name) stands again in the same mapping: it is on line \(line) already"
            : "more keys stand again: no more than \(Self.maximumRepeatedKeys) are listed"
        repeatedKeys.append(SettingProblem(place: place, message: message))
    }
}
