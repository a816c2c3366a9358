import Foundation
import TestServers
import Testing

/// A program of this machine that a test can do without.
enum SystemProgram {
    /// Those of the names that are installed.
    static func present(_ names: [String]) -> [String] { names.filter { path($0) != nil } }

    static func path(_ name: String) -> String? {
        ["/usr/bin", "/bin", "/usr/local/bin", "/opt/homebrew/bin"].map { "\($0)/\(name)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// Runs one of those that are installed.
    static func run(_ name: String, _ arguments: [String]) async throws -> ChildProcess.Outcome {
        let program = URL(fileURLWithPath: try #require(Self.path(name)))
        return try await ChildProcess(program, arguments, input: []).outcome()
    }

    /// The version of the Swift that the project's scripts use.
    static func swiftVersion() async throws -> String {
        let outcome = try await run("env", ["swift", "--version"])
        let match = try #require(outcome.text.firstMatch(of: /Swift version (\d+(\.\d+)+)/), "\(outcome.errorText)")
        return String(match.1)
    }
}
