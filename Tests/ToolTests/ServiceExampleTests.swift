import ArgumentParser
import Foundation
import TestServers
import Testing

@testable import stacksctl

/// The examples for systemd and launchd that `Scripts/install` installs, and the article about production prints.
@Suite("The examples of services", .timeLimit(.minutes(5)))
struct ServiceExampleTests {
    private static let systemdUnit = "buildkite-stack.service"
    private static let launchdList = "com.example.stack.plist"

    private func example(_ name: String) throws -> String {
        try String(contentsOf: Checkout.root.appendingPathComponent("Scripts/services/\(name)"), encoding: .utf8)
    }

    @Test("stand word for word in the article", arguments: [("ini", systemdUnit), ("xml", launchdList)])
    func article(language: String, name: String) throws {
        let article = Checkout.root
            .appendingPathComponent("Sources/StacksController/StacksController.docc/RunningInProduction.md")
        let text = try String(contentsOf: article, encoding: .utf8)
        #expect(text.contains("```\(language)\n\(try example(name))```\n"), "Scripts/services/\(name)")
        #expect(text.contains("`share/doc/stacks-api/\(name)`"))
    }

    /// The tool's own reading of a command line.
    private func run(_ words: [String]) throws -> Run {
        #expect(words.first == "/usr/local/bin/stacksctl")
        return try #require(try Stacksctl.parseAsRoot(Array(words.dropFirst())) as? Run)
    }

    private var unit: String { get throws { try example(Self.systemdUnit) } }

    @Test("the unit's command is one that the tool takes, keeps its state, and starts the agent")
    func unitCommand() throws {
        let lines = try unit.replacingOccurrences(of: "\\\n", with: " ").split(separator: "\n")
        let values = Dictionary(
            lines.filter { !$0.hasPrefix("#") && $0.contains("=") }.map { line in
                let parts = line.split(separator: "=", maxSplits: 1).map(String.init)
                return (parts[0], parts.count > 1 ? parts[1] : "")
            }, uniquingKeysWith: { _, last in last })
        let run = try run(try #require(values["ExecStart"]).split(whereSeparator: \.isWhitespace).map(String.init))
        #expect(run.command == ["buildkite-agent", "start"])
        #expect(run.stateDirectory == "/var/lib/" + (values["StateDirectory"] ?? ""))
        #expect(run.jobLogs == "/var/log/" + (values["LogsDirectory"] ?? ""))
        #expect(values["KillMode"] == "process")
        #expect(
            values["RestartPreventExitStatus"]
                == "\(ExitCode.validationFailure.rawValue) \(run.permanentFailureExitStatus ?? 1)")
        #expect(!lines.contains { $0.contains("bkct_") })
    }

    @Test(
        "systemd finds nothing wrong with the unit",
        .enabled(if: Self.systemdAnalyze != nil, "there is no systemd-analyze here"))
    func unitVerified() async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("unit-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let tool = try BuiltProducts.executable(named: "stacksctl").path
        let text = try unit.replacingOccurrences(of: "/usr/local/bin/stacksctl", with: tool)
        // What it says of a mistake: that it is looked for at all is seen by this one.
        for (text, isGood) in [(text, true), (text.replacingOccurrences(of: "KillMode=", with: "KillMod="), false)] {
            let file = directory.appendingPathComponent("stack.service")
            try Data(text.utf8).write(to: file)
            let child = try ChildProcess(
                URL(fileURLWithPath: try #require(Self.systemdAnalyze)), ["verify", file.path], input: [])
            let outcome = try await child.outcome()
            let said = outcome.errorText.split(separator: "\n").filter { $0.contains("stack.service") }
            #expect(said.isEmpty == isGood, "\(said)")
        }
    }

    private static let systemdAnalyze = ["/usr/bin/systemd-analyze", "/bin/systemd-analyze"]
        .first { FileManager.default.isExecutableFile(atPath: $0) }

    @Test("the property list is one, and the command in it is one that the shell and the tool take")
    func propertyList() async throws {
        let data = Data(try example(Self.launchdList).utf8)
        let list = try PropertyListSerialization.propertyList(from: data, format: nil)
        let values = try #require(list as? [String: Any])
        #expect(values["Label"] as? String == "com.example.stack")
        #expect(values["KeepAlive"] as? [String: Bool] == ["SuccessfulExit": false])
        #expect(values["ThrottleInterval"] as? Int == 30 && values["ExitTimeOut"] as? Int == 7200)
        let arguments = try #require(values["ProgramArguments"] as? [String])
        #expect(arguments.prefix(2) == ["/bin/sh", "-c"] && arguments.count == 3)
        // The shell reads the token's file and is replaced by the tool. Here it says the words that it would run.
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("home-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try Data("export BUILDKITE_AGENT_TOKEN=bkct_x\n".utf8)
            .write(to: directory.appendingPathComponent(".buildkite-stack"))
        let command = arguments[2].replacingOccurrences(of: "exec ", with: "exec printf '%s\\n' ")
        let child = try ChildProcess(
            URL(fileURLWithPath: "/bin/sh"), ["-c", command],
            environment: ["HOME": directory.path, "PATH": "/usr/bin:/bin"], input: [])
        let outcome = try await child.outcome()
        #expect(outcome.exitStatus == 0 && outcome.errorText == "")
        let run = try run(outcome.text.split(separator: "\n").map(String.init))
        #expect(run.command == ["buildkite-agent", "start"])
        #expect(run.stateDirectory != nil && run.jobLogs != nil)
    }
}
