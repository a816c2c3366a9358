import CommandLaunching
import Foundation
import StacksAPI
import StacksController
import Testing

#if os(Linux)
    /// The recipes of the article about engines, as they are printed there, with programs that stand in for the engines'
    /// own: they write down what they are called with, and run the agent as the engine would, in a session and with an
    /// environment of its own.
    @Suite("The documentation's recipes for engines", .serialized, .timeLimit(.minutes(5)))
    struct EngineRecipeTests {
        enum Recipe: String, CaseIterable, Sendable, CustomTestStringConvertible {
            case slurm = "Slurm"
            case kubernetes = "Kubernetes"
            case nomad = "Nomad"

            var testDescription: String { rawValue }

            /// What the engine's program is called.
            var program: String {
                switch self {
                case .slurm: "srun"
                case .kubernetes: "kubectl"
                case .nomad: "nomad"
                }
            }

            /// The article's section about it.
            func section() throws -> String {
                let article = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                    .appendingPathComponent("../../Sources/StacksController/StacksController.docc/Engines.md")
                let text = try String(contentsOf: article, encoding: .utf8)
                let sections = text.components(separatedBy: "\n## ")
                return try #require(sections.first { $0.hasPrefix("\(rawValue)\n") })
            }

            /// The section's shell blocks.
            func blocks() throws -> [String] {
                let parts = try section().components(separatedBy: "```sh\n").dropFirst()
                return parts.map { $0.components(separatedBy: "\n```")[0] + "\n" }
            }

            /// What `stacksctl run` is to start, by the first block.
            func command() throws -> [String] {
                let line = try #require(try blocks().first).replacingOccurrences(of: "\\\n", with: " ")
                let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
                return Array(words[words.index(after: try #require(words.firstIndex(of: "--")))...])
            }
        }

        /// What stands in for the engine: `$REMOTE` is all that it has, `$REMOTE/calls` every word that it was called with.
        private static let standIns = [
            // At SIGTERM srun has its step killed.
            "srun": """
            printf '%s\\n' "$0" "$@" >>"$REMOTE/calls"
            while [ "${1#--}" != "$1" ]; do shift; done
            setsid "$@" </dev/null &
            trap 'kill -KILL "$!"; echo killed >"$REMOTE/end"; exit 143' TERM
            wait "$!"
            """,
            // kubectl itself dies at SIGTERM, and the pod does not care.
            "kubectl": """
            printf '%s\\n' "$0" "$@" >>"$REMOTE/calls"
            case $1 in
            run)
                pod=$2
                while [ "$1" != -- ]; do shift; done
                shift
                exec 3<&0
                setsid env -i PATH="$PATH" REMOTE="$REMOTE" \\
                    sh -c 'echo $$ >"$0"; exec "$@"' "$REMOTE/$pod" "$@" <&3 3<&- &
                wait "$!"
                ;;
            delete) kill "$(cat "$REMOTE/$3")" ;;
            esac
            """,
            // The client ends a sandbox with all that is in it.
            "nomad": """
            printf '%s\\n' "$0" "$@" >>"$REMOTE/calls"
            case "$1 $2" in
            'job dispatch')
                echo "${5#job=}" >"$REMOTE/meta"
                printf 'Dispatched Job ID = %s/dispatch-1\\nEvaluation ID     = 1\\n' "$6"
                ;;
            'job allocs') [ "$5" = buildkite-agent/dispatch-1 ] && echo alloc-1 ;;
            'alloc exec')
                shift 5
                exec 3<&0
                setsid env -i PATH="$PATH" REMOTE="$REMOTE" NOMAD_META_job="$(cat "$REMOTE/meta")" \\
                    sh -c 'echo $$ >"$0"; exec "$@"' "$REMOTE/sandbox" "$@" <&3 3<&- &
                wait "$!"
                ;;
            'job stop') kill "$(cat "$REMOTE/sandbox")" 2>/dev/null || true ;;
            esac
            """,
            "buildkite-agent": """
            printf '%s\\n' "$0" "$@" >>"$REMOTE/calls"
            printf '%s %s\\n' "$BUILDKITE_AGENT_TOKEN" "$BUILDKITE_AGENT_ACQUIRE_JOB" >"$REMOTE/agent"
            trap 'echo stopped >"$REMOTE/end"; exit 143' TERM
            echo >"$REMOTE/started"
            until [ -e "$REMOTE/status" ] || ! [ -d "$REMOTE" ]; do sleep 0.02; done
            exit "$(cat "$REMOTE/status")"
            """,
        ]

        private static let job = LaunchedJob(
            scheduled: ScheduledJob(id: "01989c5e-0000-7000-8000-00000000000a"),
            acquisitionToken: Secret("bkjat_travels")
        )

        /// An engine of stand-ins in a directory of its own, and a launcher for the recipe's command.
        private struct Engine {
            let root: URL
            let launcher: CommandLauncher

            func contents(of name: String) -> String {
                (try? String(contentsOf: root.appendingPathComponent(name), encoding: .utf8)) ?? ""
            }

            func write(_ text: String, to name: String) throws {
                try text.write(to: root.appendingPathComponent(name), atomically: true, encoding: .utf8)
            }

            /// The files that hold the token.
            func filesWithToken() throws -> [String] {
                try FileManager.default.contentsOfDirectory(atPath: root.path)
                    .filter { contents(of: $0).contains(EngineRecipeTests.job.acquisitionToken.value) }
            }
        }

        private func withEngine(_ recipe: Recipe, _ body: (Engine) async throws -> Void) async throws {
            let root = FileManager.default.temporaryDirectory.appendingPathComponent("engine-\(UUID())")
            let programs = root.appendingPathComponent("bin")
            try FileManager.default.createDirectory(at: programs, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: root) }
            func install(_ script: String, as name: String) throws {
                let file = programs.appendingPathComponent(name)
                try Data(script.utf8).write(to: file)
                try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: file.path)
            }
            for (name, script) in Self.standIns { try install("#!/bin/bash\n\(script)\n", as: name) }
            for block in try recipe.blocks() where block.hasPrefix("#!") {
                try install(block, as: try #require(recipe.command().first).replacingOccurrences(of: "./", with: ""))
            }
            var configuration = CommandLauncher.Configuration()
            configuration.output = .files(directory: root.path)
            configuration.workingDirectory = programs.path
            // So long that no machine is too busy for what has to be done at SIGTERM.
            configuration.gracePeriod = .seconds(3600)
            let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
            configuration.environment = ["PATH": "\(programs.path):\(path)", "REMOTE": root.path]
            let launcher = try CommandLauncher(command: try recipe.command(), configuration: configuration)
            try await body(Engine(root: root, launcher: launcher))
        }

        @Test(
            "the agent gets the token and the UUID, no command line and nothing that the engine keeps has the token, and the agent's exit status is the command's",
            arguments: Recipe.allCases, [0, 3, 27, 28] as [Int])
        func runs(recipe: Recipe, status: Int) async throws {
            try await withEngine(recipe) { engine in
                try engine.write("\(status)", to: "status")
                let exit = try await engine.launcher.launch(Self.job)
                #expect(exit.status == status, "\(engine.contents(of: "\(Self.job.id).log"))")
                #expect(engine.contents(of: "agent") == "bkjat_travels \(Self.job.id)\n")
                let calls = engine.contents(of: "calls").split(separator: "\n")
                #expect(calls.contains { $0.hasSuffix("/\(recipe.program)") })
                #expect(calls.suffix(recipe == .nomad ? 10 : 2).contains("start"))
                #expect(try engine.filesWithToken() == ["agent"])
                #expect(engine.contents(of: "\(Self.job.id).log") == "")
            }
        }

        @Test("cancelling stops the agent, wherever it runs", arguments: Recipe.allCases)
        func cancels(recipe: Recipe) async throws {
            try await withEngine(recipe) { engine in
                let launch = Task { try await engine.launcher.launch(Self.job) }
                try await wait { !engine.contents(of: "started").isEmpty }
                launch.cancel()
                let exit = try await launch.value
                #expect(exit.status == 143)
                // The pod and the sandbox end in their own time.
                try await wait { !engine.contents(of: "end").isEmpty }
                #expect(engine.contents(of: "end") == (recipe == .slurm ? "killed\n" : "stopped\n"))
                #expect(try engine.filesWithToken() == ["agent"])
            }
        }

        @Test("a dispatched job is stopped and purged, at its end and when it is cancelled")
        func purged() async throws {
            try await withEngine(.nomad) { engine in
                try engine.write("0", to: "status")
                _ = try await engine.launcher.launch(Self.job)
                #expect(
                    engine.contents(of: "calls").hasSuffix("job\nstop\n-detach\n-purge\nbuildkite-agent/dispatch-1\n"))
            }
        }

        @Test(
            "every recipe says how token, cancellation, exit status and the controller's death travel",
            arguments: Recipe.allCases)
        func documented(recipe: Recipe) throws {
            let section = try recipe.section()
            for row in ["Token", "Cancellation", "Exit status", "The controller dies"] {
                #expect(section.contains("\n| \(row) | "), "\(row)")
            }
        }
    }
#endif
