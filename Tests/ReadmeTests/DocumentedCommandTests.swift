import Foundation
import TestServers
import Testing

@Suite("The commands of the README and the articles", .timeLimit(.minutes(5)))
struct DocumentedCommandTests {
    @Test(
        "every command at a prompt prints what is written below it",
        arguments: Document.all.filter { !$0.commands.isEmpty && $0.path != Tour.path })
    func consoleBlocks(_ document: Document) async throws {
        var commands = document.commands
        // The first starts the simulator. Here it takes a free port instead of the one that a reader can type.
        let start = commands.removeFirst()
        var arguments = start.text.split(separator: " ").map(String.init)
        try #require(arguments.removeFirst() == ".build/debug/stacks-simulator")
        let port = try #require(arguments.firstIndex(of: "--port").map { arguments[$0 + 1] })
        arguments = arguments.map { $0 == port ? "0" : $0 }

        try await SimulatorProcess.run(arguments) { simulator in
            func here(_ text: String) -> String {
                text.replacingOccurrences(of: "127.0.0.1:\(port)", with: "127.0.0.1:\(simulator.ready.port)")
                    .replacingOccurrences(of: "$PWD/.build/debug", with: Self.products)
            }
            let documented = try JSONDecoder().decode(SimulatorProcess.Ready.self, from: Data(start.output[0].utf8))
            #expect(documented.token == simulator.ready.token)
            #expect(here(documented.url) == simulator.ready.url)
            #expect(here(documented.control) == simulator.ready.control)

            let outputs = try await Self.session(commands.map { here($0.text) })
            #expect(outputs.count == commands.count)
            for (command, output) in zip(commands, outputs) {
                #expect(output.map(Self.lasting) == command.output.map(Self.lasting), "$ \(command.text)")
            }
        }
    }

    @Test("there is a session to follow for the command line, and one for the simulator")
    func sessions() {
        let sessions = Document.all.filter { !$0.commands.isEmpty }
        #expect(sessions.count >= 2)
        #expect(sessions.map(\.commands.count).reduce(0, +) > 25)
    }

    @Test(
        "every script of the project that is named is there and can be run, and every shell block is one",
        arguments: Document.all.filter { $0.blocks.contains { $0.language == "sh" } })
    func scripts(_ document: Document) async throws {
        for block in document.blocks where block.language == "sh" {
            for line in block.lines where line.hasPrefix("Scripts/") {
                let script = try #require(line.split(separator: " ").first)
                let path = Document.root.appendingPathComponent(String(script)).path
                #expect(FileManager.default.isExecutableFile(atPath: path), "\(script)")
            }
            let shell = try ChildProcess(
                URL(fileURLWithPath: "/usr/bin/env"), ["bash", "-n", "-c", block.lines.joined(separator: "\n")],
                input: [])
            let outcome = try await shell.outcome()
            #expect(outcome.exitStatus == 0, "\(outcome.errorText)")
        }
    }

    /// Where the built tools are.
    private static let products: String =
        (try? BuiltProducts.executable(named: "stacksctl").deletingLastPathComponent().path) ?? ""

    /// Runs the commands in one shell, in the repository, and gives what each printed.
    private static func session(_ commands: [String]) async throws -> [[String]] {
        let separator: Character = "\u{1E}"
        let script = commands.map { "printf '\\036'\n\($0)\n" }.joined()
        let shell = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/env"),
            ["bash", "-c", "cd '\(Document.root.path)'\n\(script)"],
            input: []
        )
        let outcome = try await shell.outcome()
        #expect(outcome.errorText == "")
        return outcome.text.split(separator: separator, omittingEmptySubsequences: false).dropFirst().map { output in
            var lines = output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            if lines.last == "" { lines.removeLast() }
            return lines
        }
    }

    /// A line without what differs from run to run: times, latencies, and counts that depend on how long things take.
    private static func lasting(_ line: String) -> String {
        line.replacing(/\d{4}-\d\d-\d\dT[\d:.]+Z/, with: "TIME")
            .replacing(/--after \S+/, with: "--after CURSOR")
            .replacing(/^(ratelimit-(remaining|reset) +)\d+$/) { "\($0.1)N" }
            .replacing(/^(scheduled to launched, \w+ +)\d+ ms$/) { "\($0.1)N" }
            .replacing(/^(requests +)\d+$/) { "\($0.1)N" }
            // Over HTTP/1.1, calls that overlap have a connection each.
            .replacing(/^(connections opened +)\d+$/) { "\($0.1)N" }
    }
}
