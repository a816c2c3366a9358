import Foundation
import TestServers
import Testing

/// What shells offer after `stacksctl`: of the scripts that the tools print, and that `Scripts/install` installs.
@Suite("Completions", .timeLimit(.minutes(5)))
struct CompletionTests {
    /// The shells that there are scripts for; bash is needed for the project's own scripts.
    static let shells = SystemProgram.present(["bash", "zsh", "fish"])

    private func script(_ tool: String, for shell: String) async throws -> String {
        let child = try ChildProcess(
            BuiltProducts.executable(named: tool), ["--generate-completion-script", shell], input: [])
        let outcome = try await child.outcome()
        #expect(outcome.exitStatus == 0, "\(outcome.errorText)")
        return outcome.text
    }

    /// Writes the script to a file, and runs `body` with its path.
    private func withScript<Result>(
        _ tool: String, for shell: String, _ body: (String) async throws -> Result
    ) async throws -> Result {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("completion-\(UUID())")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(try await script(tool, for: shell).utf8).write(to: file)
        return try await body(file.path)
    }

    @Test("each shell can read its script", arguments: shells, ["stacksctl", "stacks-simulator"])
    func syntax(shell: String, tool: String) async throws {
        try await withScript(tool, for: shell) { path in
            let outcome = try await SystemProgram.run(shell, ["-n", path])
            #expect(outcome.exitStatus == 0 && outcome.errorText == "", "\(outcome.errorText)")
        }
    }

    /// A command line that ends where the Tab key is pressed, and what is offered then.
    struct Line: Sendable, CustomTestStringConvertible {
        var text: String
        var offers: Set<String>
        var testDescription: String { text }
    }

    @Test(
        "bash offers commands, global options on both sides of them, values, files and directories",
        arguments: [
            Line(text: "stacksctl dereg", offers: ["deregister"]),
            Line(text: "stacksctl vers", offers: ["version"]),
            Line(text: "stacksctl --out", offers: ["--output"]),
            Line(text: "stacksctl whoami --out", offers: ["--output"]),
            Line(text: "stacksctl list --stack k --log-", offers: ["--log-format", "--log-level", "--log-payloads"]),
            Line(text: "stacksctl run --ca", offers: ["--ca-file"]),
            Line(text: "stacksctl whoami --output ", offers: ["table", "json"]),
            Line(text: "stacksctl --transport url", offers: ["urlsession"]),
            Line(text: "stacksctl run --job-file ", offers: ["details", "listed"]),
            Line(text: "stacksctl whoami --ca-file FOLDER/a", offers: ["FOLDER/authority.pem"]),
            Line(text: "stacksctl run --state-directory FOLDER/", offers: ["FOLDER/state"]),
            Line(text: "stacksctl run --job-logs FOLDER/s", offers: ["FOLDER/state"]),
            Line(text: "stacksctl run --stack k --queue q -- FOLDER/com", offers: ["FOLDER/command"]),
        ])
    func bash(_ line: Line) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("completed-\(UUID())")
        try FileManager.default.createDirectory(
            at: folder.appendingPathComponent("state"), withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for name in ["authority.pem", "command", "anything.txt"] {
            try Data().write(to: folder.appendingPathComponent(name))
        }
        func here(_ text: String) -> String { text.replacingOccurrences(of: "FOLDER", with: folder.path) }
        // As bash calls a completion function (its manual, "Programmable Completion").
        let driver = """
            source "$1"
            COMP_LINE=$2 COMP_POINT=${#2}
            read -ra COMP_WORDS <<<"$2"
            [[ $2 != *' ' ]] || COMP_WORDS+=('')
            COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            COMPREPLY=()
            _stacksctl stacksctl "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
            printf '%s\\n' "${COMPREPLY[@]}"
            """
        try await withScript("stacksctl", for: "bash") { path in
            let outcome = try await SystemProgram.run("bash", ["-c", driver, "bash", path, here(line.text)])
            #expect(Set(outcome.text.split(separator: "\n").map(String.init)) == Set(line.offers.map(here)))
            #expect(outcome.errorText == "")
        }
    }

    @Test(
        "fish offers the global options after a command and the values of options",
        .enabled(if: shells.contains("fish"), "there is no fish here"),
        arguments: [
            Line(text: "stacksctl whoami --out", offers: ["--output"]),
            Line(text: "stacksctl whoami --output ", offers: ["table", "json"]),
        ])
    func fish(_ line: Line) async throws {
        try await withScript("stacksctl", for: "fish") { path in
            let outcome = try await SystemProgram.run(
                "fish", ["--no-config", "-c", "source $argv[1]; complete -C \"$argv[2]\"", path, line.text])
            let offered = outcome.text.split(separator: "\n").map { $0.prefix { $0 != "\t" } }
            #expect(Set(offered.map(String.init)) == line.offers, "\(outcome.errorText)")
        }
    }

    @Test("zsh's script has the global options in each command's function")
    func zsh() async throws {
        let script = try await script("stacksctl", for: "zsh")
        for command in ["whoami", "list", "run", "version"] {
            let start = try #require(script.range(of: "_stacksctl_\(command)() {"))
            let end = try #require(script.range(of: "\n}\n", range: start.upperBound..<script.endIndex))
            #expect(script[start.upperBound..<end.lowerBound].contains("--ca-file"), "\(command)")
        }
    }

    @Test("the help of a command does not repeat the global options, and refers to them")
    func help() async throws {
        let run = try await ToolRun.stacksctl(["help", "whoami"])
        #expect(!run.output.contains("--ca-file") && run.output.contains("stacksctl --help"))
    }
}
