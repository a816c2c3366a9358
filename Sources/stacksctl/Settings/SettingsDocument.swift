import StacksTransport
import YAMLEvents

/// A configuration file as it is written: its values, each with its line and column.
///
/// What is wrong with it as YAML is found here: what cannot be parsed, and keys that stand twice.
struct SettingsDocument {
    /// The most bytes of a file.
    static let maximumSize = 1 << 20

    /// The value of the document, if there is one that can be looked at.
    private(set) var root: SettingNode?
    private(set) var problems: [SettingProblem] = []

    /// The file at `path`.
    static func file(_ path: String) -> RegularFile {
        RegularFile("the configuration file", path: path, limit: maximumSize)
    }

    init(_ text: [UInt8]) {
        do {
            var composer = SettingsComposer(try Self.parser(of: text))
            root = try composer.document()
            problems = composer.repeatedKeys
        } catch {
            problems = [error]
        }
    }

    private static func parser(of text: [UInt8]) throws(SettingProblem) -> YAMLParser {
        do { return try YAMLParser(text) } catch { throw SettingProblem(error) }
    }
}

extension SettingProblem {
    init(_ error: YAMLError) {
        let message = VisibleText.escaped(error.message, limit: 300)
        self.init(place: .init(error.place), message: "this is not YAML: \(message)")
    }
}

extension SettingNode.Place {
    init(_ place: YAMLPlace) { self = .file(line: place.line, column: place.column) }
}
