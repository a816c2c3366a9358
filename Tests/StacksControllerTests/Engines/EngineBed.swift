#if os(Linux)
    import CommandLaunching
    import Foundation
    import StacksAPI
    import StacksController
    import Testing

    /// The recipes for engines as files, and the articles that print them.
    enum EngineRecipe {
        private static let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../../Sources").standardizedFileURL

        static let directory = sources.appendingPathComponent("StacksCommandLauncher/Engines")

        static func path(_ name: String) -> String { directory.appendingPathComponent(name).path }

        static func text(_ name: String) throws -> String {
            try String(contentsOfFile: path(name), encoding: .utf8)
        }

        static func article(_ name: String) throws -> String {
            let file = sources.appendingPathComponent("StacksController/StacksController.docc/\(name).md")
            return try String(contentsOf: file, encoding: .utf8)
        }

        /// What an article prints between a line that begins a block of `language` and the block's end.
        static func blocks(_ language: String, of article: String) throws -> [String] {
            try self.article(article).components(separatedBy: "```\(language)\n").dropFirst()
                .map { $0.components(separatedBy: "\n```")[0] + "\n" }
        }
    }

    /// An engine of programs that stand in for its own, in a directory of its own, and a launcher for a recipe.
    ///
    /// The programs find the directory as `$REMOTE`, and what they keep there is all that the engine has: files tell them how to
    /// behave, and `calls` has every word that they were called with. There is no other program on the PATH than these and
    /// what every machine has.
    struct EngineBed: RecipeBed {
        static let job = LaunchedJob(
            scheduled: ScheduledJob(id: "01989c5e-0000-7000-8000-00000000000a"),
            acquisitionToken: Secret("bkjat_travels"))

        /// The agent, which writes down what it was given and ends with what `status` says.
        private static let agent = """
            printf '%s\\n' "$0" "$@" >>"$REMOTE/calls"
            printf '%s %s %s\\n' "$BUILDKITE_AGENT_TOKEN" "$BUILDKITE_AGENT_ACQUIRE_JOB" \\
                "${BUILDKITE_AGENT_ENDPOINT:-}" >>"$REMOTE/agent"
            trap 'echo stopped >"$REMOTE/end"; exit 143' TERM
            echo >"$REMOTE/started"
            until [ -e "$REMOTE/status" ] || ! [ -d "$REMOTE" ]; do /bin/sleep 0.02; done
            exit "$(cat "$REMOTE/status")"
            """

        private static let tools = [
            "awk", "bash", "cat", "chmod", "cut", "env", "grep", "head", "jq", "mkdir", "rm", "sed", "setsid", "sh",
            "tail",
            "tr",
        ]

        let root: URL
        let launcher: CommandLauncher

        /// - Parameters:
        ///   - command: The recipe's file and its arguments.
        ///   - programs: What stands in for the engine, for bash.
        ///   - environment: More of it.
        static func with(
            _ command: [String], _ programs: [String: String], environment: [String: String] = [:],
            _ body: (EngineBed) async throws -> Void
        ) async throws {
            let root = FileManager.default.temporaryDirectory.appendingPathComponent("engine-\(UUID())")
            let directory = root.appendingPathComponent("bin")
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: root) }
            for tool in tools {
                let place = ["/usr/bin", "/bin"].first { FileManager.default.isExecutableFile(atPath: "\($0)/\(tool)") }
                try FileManager.default.createSymbolicLink(
                    atPath: directory.appendingPathComponent(tool).path,
                    withDestinationPath: "\(try #require(place, "\(tool)"))/\(tool)")
            }
            // Recipes look again each second.
            let all = programs.merging(["buildkite-agent": agent, "sleep": "exec /bin/sleep 0.02"]) { one, _ in one }
            try install(all, in: directory)
            var configuration = CommandLauncher.Configuration()
            configuration.output = .files(directory: root.path)
            // So long that no machine is too busy for what has to be done at SIGTERM.
            configuration.gracePeriod = .seconds(3600)
            configuration.environment = environment.merging(["PATH": directory.path, "REMOTE": root.path]) { one, _ in
                one
            }
            let words = [EngineRecipe.path(command[0])] + command.dropFirst()
            try await body(
                EngineBed(root: root, launcher: try CommandLauncher(command: words, configuration: configuration)))
        }

        /// No longer has this program.
        func remove(program: String) throws {
            try FileManager.default.removeItem(at: root.appendingPathComponent("bin/\(program)"))
        }

        /// What the recipe itself has printed, and the programs that it started.
        var log: String { contents(of: "\(Self.job.id).log") }

        /// The words that programs were called with.
        var calls: [String] { contents(of: "calls").split(separator: "\n").map(String.init) }

        /// The files that hold the token.
        func filesWithToken() throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: root.path)
                .filter { contents(of: $0).contains(Self.job.acquisitionToken.value) }
        }

        func launch(_ job: LaunchedJob = EngineBed.job) async throws -> JobExit { try await launcher.launch(job) }

        /// Launches a job and cancels it when `condition` holds.
        func launch(cancelledWhen condition: (EngineBed) -> Bool) async throws -> JobExit {
            let launcher = launcher
            let launch = Task { try await launcher.launch(Self.job) }
            try await wait { condition(self) }
            launch.cancel()
            return try await launch.value
        }

        /// A job with these rules, of this queue.
        static func job(rules: [String] = [], queue: QueueKey = .default) -> LaunchedJob {
            var scheduled = job.scheduled
            scheduled.agentQueryRules = rules
            return LaunchedJob(scheduled: scheduled, acquisitionToken: job.acquisitionToken, queue: queue)
        }
    }
#endif
