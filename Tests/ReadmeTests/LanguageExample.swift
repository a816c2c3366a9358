import Foundation

/// A stack of the article *Test your stack in any language*, with its tests.
enum LanguageExample: String, CaseIterable {
    case python, go

    static let path = "Sources/StacksTesting/StacksTesting.docc/AnyLanguage.md"

    /// The program that runs it.
    var interpreter: String { self == .python ? "python3" : "go" }

    /// Whether its interpreter is on the `PATH`.
    var canRun: Bool {
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
            .contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(interpreter)") }
    }

    /// The files of the article. The first line of each has its name.
    func files() throws -> [String: String] {
        let comment = self == .python ? "# " : "// "
        var files: [String: String] = [:]
        for block in try Document(Self.path).blocks where block.language == rawValue {
            guard let first = block.lines.first, first.hasPrefix(comment) else { continue }
            files[String(first.dropFirst(comment.count))] = block.lines.joined(separator: "\n") + "\n"
        }
        return files
    }

    /// The names of its tests: `runsjobs` for both `test_runs_jobs` and `TestRunsJobs`.
    func tests() throws -> [String] {
        let text = try files().values.joined(separator: "\n")
        let names = text.matches(of: self == .python ? /def test_(\w+)/ : /func Test(\w+)\(t\b/)
        return names.map { $0.1.replacing("_", with: "").lowercased() }
    }

    /// The commands of the article that run its tests.
    func commands() throws -> String {
        try Document(Self.path).blocks
            .filter { $0.language == "sh" && $0.lines.contains { $0.hasPrefix("\(interpreter) ") } }
            .flatMap(\.lines).joined(separator: "\n")
    }
}
