import Foundation
import TestServers
import Testing

@Suite("The stacks of the article about other languages", .timeLimit(.minutes(10)))
struct LanguageExampleTests {
    @Test(
        "the one in Python passes its tests",
        .enabled(if: LanguageExample.python.canRun, "there is no python3 here"))
    func python() async throws {
        let outcome = try await Self.run(.python)
        #expect(outcome.exitStatus == 0, "\(outcome.text)\(outcome.errorText)")
        #expect(try outcome.errorText.contains("Ran \(LanguageExample.python.tests().count) tests"))
    }

    @Test("the one in Go passes its tests", .enabled(if: LanguageExample.go.canRun, "there is no go here"))
    func go() async throws {
        let outcome = try await Self.run(.go)
        #expect(outcome.exitStatus == 0, "\(outcome.text)\(outcome.errorText)")
        #expect(outcome.text.contains("ok"))
    }

    @Test(
        "a stack that finishes a job twice fails",
        .enabled(if: LanguageExample.python.canRun, "there is no python3 here"))
    func mistake() async throws {
        let outcome = try await Self.run(.python) { files in
            files["stack.py"] = files["stack.py"]?.replacing(", repeatable=False)", with: ")")
        }
        #expect(outcome.exitStatus != 0)
        #expect(outcome.errorText.contains("FAIL: test_finishes_a_job_whose_agent_cannot_be_started_once"))
        #expect(outcome.errorText.contains("failures=1)"))
    }

    @Test("both are whole, and test the same")
    func whole() throws {
        #expect(try LanguageExample.python.files().keys.sorted() == ["agent.py", "stack.py", "test_stack.py"])
        #expect(try LanguageExample.go.files().keys.sorted() == ["stack.go", "stack_test.go"])
        #expect(try LanguageExample.python.tests().count > 4)
        #expect(try LanguageExample.python.tests() == LanguageExample.go.tests())
        for example in LanguageExample.allCases { #expect(try !example.commands().isEmpty) }
    }

    /// Runs the commands of an example in a folder with its files.
    private static func run(
        _ example: LanguageExample, changing change: (inout [String: String]) -> Void = { _ in }
    ) async throws -> ChildProcess.Outcome {
        let folder = FileManager.default.temporaryDirectory.appending(path: "example-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        var files = try example.files()
        change(&files)
        for (name, text) in files {
            try text.write(to: folder.appending(path: name), atomically: true, encoding: .utf8)
        }
        let products = try BuiltProducts.executable(named: "stacks-simulator").deletingLastPathComponent().path
        var environment = ProcessInfo.processInfo.environment
        environment["PATH"] = "\(products):\(environment["PATH"] ?? "")"
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
        // Nothing is downloaded, and what is compiled stays with the build.
        environment.merge(
            ["GOCACHE": "\(products)/go-cache", "GOPROXY": "off", "GOTOOLCHAIN": "local", "GOWORK": "off"]
        ) { $1 }
        let shell = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/env"), ["bash", "-e", "-c", "cd '\(folder.path)'\n\(example.commands())"],
            environment: environment, input: [])
        return try await shell.outcome()
    }
}
