import Foundation
import TestServers
import Testing

/// What one run of the built `stacksctl` gave.
struct ToolRun: Sendable {
    let status: Int32
    let output: String
    let errors: String

    /// Runs the tool to its end.
    ///
    /// - Parameters:
    ///   - environment: All there is, but for `PATH`: the token of the shell that runs the tests must not reach the
    ///     tool.
    ///   - input: What stands on stdin.
    static func stacksctl(
        _ arguments: [String],
        environment: [String: String] = [:],
        input: String = ""
    ) async throws -> ToolRun {
        let child = try start(arguments, environment: environment, input: input)
        return ToolRun(try await child.outcome())
    }

    /// Starts the tool, for a test that has something to say to it meanwhile.
    static func start(
        _ arguments: [String],
        environment: [String: String] = [:],
        input: String = ""
    ) throws -> ChildProcess {
        var environment = environment
        environment["PATH"] = ProcessInfo.processInfo.environment["PATH"]
        return try ChildProcess(
            BuiltProducts.executable(named: "stacksctl"),
            arguments,
            environment: environment,
            input: Array(input.utf8)
        )
    }

    init(_ outcome: ChildProcess.Outcome) {
        status = outcome.exitStatus
        output = outcome.text
        errors = outcome.errorText
    }

    /// The one JSON document on stdout.
    func document(sourceLocation: SourceLocation = #_sourceLocation) throws -> [String: Any] {
        let value = try? JSONSerialization.jsonObject(with: Data(output.utf8))
        return try #require(
            value as? [String: Any],
            "not one JSON object: \(output)\(errors)",
            sourceLocation: sourceLocation
        )
    }

    /// The lines on stdout.
    var lines: [String] { output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init).dropLast() }
}
