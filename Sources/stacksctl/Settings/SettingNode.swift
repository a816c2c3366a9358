import StacksTransport

/// A value of the configuration, with where it stands.
struct SettingNode {
    /// Where a value stands.
    enum Place: Hashable, Comparable {
        case file(line: Int, column: Int)
        /// An environment variable, or an option.
        case outside(String)
    }

    indirect enum Content {
        case text(String)
        case list([SettingNode])
        case map([(key: SettingNode, value: SettingNode)])
    }

    var content: Content
    var place: Place

    /// The value as a short text, for a message.
    var shown: String {
        switch content {
        case .text(let text): "'\(VisibleText.escaped(text, limit: 100))'"
        case .list(let nodes): nodes.isEmpty ? "an empty list" : "a list"
        case .map: "a mapping"
        }
    }

    /// Whether it is the same value, wherever it stands.
    func isEqual(to other: SettingNode) -> Bool {
        switch (content, other.content) {
        case (.text(let one), .text(let other)): one == other
        case (.list(let one), .list(let other)):
            one.count == other.count && zip(one, other).allSatisfy { $0.isEqual(to: $1) }
        case (.map(let one), .map(let other)):
            one.count == other.count
                && zip(one, other).allSatisfy { $0.key.isEqual(to: $1.key) && $0.value.isEqual(to: $1.value) }
        default: false
        }
    }
}

/// What is wrong with the configuration, in one place of it.
struct SettingProblem: Error {
    var place: SettingNode.Place
    /// A sentence that names the value and what would be right.
    var message: String

    /// The problems as lines that begin with the file, the line and the column, as editors understand it.
    static func lines(_ problems: [SettingProblem], of file: String) -> [String] {
        problems.sorted { $0.place < $1.place }.map { problem in
            switch problem.place {
            case .file(let line, let column): "\(file):\(line):\(column): \(problem.message)"
            case .outside(let name): "\(name): \(problem.message)"
            }
        }
    }
}

/// What is wrong with settings, a line for each mistake.
struct SettingsError: Error {
    let lines: [String]
}
