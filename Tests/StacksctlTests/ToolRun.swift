import Foundation
import Subprocess
import Testing

/// What one run of the built `stacksctl` gave.
struct ToolRun: Sendable {
    let status: Int32
    let output: String
    let errors: String

    /// Runs the tool that stands beside this test's own bundle, to its end.
    ///
    /// - Parameters:
    ///   - environment: All there is, but for what a process needs to run at all: the token of the shell that runs the
    ///     tests must not reach the tool.
    ///   - input: What stands on stdin.
    static func stacksctl(
        _ arguments: [String],
        environment: [String: String] = [:],
        input: String = ""
    ) async throws -> ToolRun {
        var variables = environment
        // First the folder of the built tools, so that no other stacksctl is found.
        variables["PATH"] = "\(BuiltProducts.directory.path):\(ProcessInfo.processInfo.environment["PATH"] ?? "")"
        let result = try await Subprocess.run(
            .name("stacksctl"),
            arguments: Arguments(arguments),
            environment: .custom(variables.map { Array("\($0)=\($1)\0".utf8) }),
            input: .string(input),
            output: .string(limit: 16 << 20),
            error: .string(limit: 16 << 20)
        )
        let status: Int32
        switch result.terminationStatus {
        case .exited(let code): status = code
        case .signaled(let signal): status = 128 + signal
        }
        return ToolRun(status: status, output: result.standardOutput, errors: result.standardError)
    }

    /// The one JSON document on stdout.
    func document(sourceLocation: SourceLocation = #_sourceLocation) throws -> [String: Any] {
        let value = try JSONSerialization.jsonObject(with: Data(output.utf8))
        return try #require(value as? [String: Any], "not one JSON object: \(output)", sourceLocation: sourceLocation)
    }

    /// The lines on stdout.
    var lines: [String] { output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init).dropLast() }
}

/// Where the build put the executables.
enum BuiltProducts {
    /// The folder that holds the running test bundle and, beside it, the executables of this package.
    static let directory: URL = {
        let bundle = Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") } ?? Bundle.main
        return bundle.bundleURL.deletingLastPathComponent()
    }()
}
