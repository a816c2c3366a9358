import CommandLaunching
import Foundation
import StacksAPI
import StacksController
import Testing

#if os(Linux)
    /// A directory in which a recipe runs as `stacksctl run` starts it, with programs that stand in for those of its engine.
    /// What the engine has of its own is there too: `$BED` is the directory's path.
    struct MachineBed: RecipeBed {
        static let token = "bkjat_travels"

        let root: URL
        /// What the recipe's commands have beside what they inherit.
        private let environment: [String: String]

        /// Makes a bed, and removes it in the end, together with what still runs in it: each program that waits in a bed
        /// ends when that is gone.
        static func use(
            programs: [String: String], environment: [String: String] = [:],
            _ body: (MachineBed) async throws -> Void
        ) async throws {
            let root = FileManager.default.temporaryDirectory.appendingPathComponent("machines-\(UUID())")
            let bin = root.appendingPathComponent("bin")
            try FileManager.default.createDirectory(at: bin, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: root) }
            try install(programs.merging(["buildkite-agent": agent], uniquingKeysWith: { $1 }), in: bin)
            let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
            let own = ["PATH": "\(bin.path):\(path)", "BED": root.path]
            try await body(MachineBed(root: root, environment: own.merging(environment) { $1 }))
        }

        /// The agent: it writes down what it has, and whether any process's command line has the token, and waits for
        /// `$BED/status`, its exit status.
        private static let agent = """
            unset SHLVL _ PWD OLDPWD
            me=$BED/agent-$BUILDKITE_AGENT_ACQUIRE_JOB
            env | grep -E '^(BUILDKITE|STACKS|ORCHARD|MACHINE)' | sort >"$me.env"
            printf '%s\\n' "$*" "$$" "$PPID" >"$me.process"
            lines=$(cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ')
            [[ $lines == *"$BUILDKITE_AGENT_TOKEN"* ]] && echo told >"$me.told" || echo kept >"$me.told"
            trap 'echo stopped >"$me.end"; exit 143' TERM
            echo 'the agent writes'
            echo >"$me.started"
            until [ -e "$BED/status" ]; do [ -d "$BED" ] || exit; sleep 0.02; done
            exit "$(cat "$BED/status")"
            """

        /// A job, the `number`th, with rules.
        static func job(_ number: Int = 1, rules: [String] = []) -> LaunchedJob {
            let id = "01989c5e-0000-7000-8000-" + String(String(1_000_000_000_000 + number).dropFirst())
            return LaunchedJob(
                scheduled: ScheduledJob(id: JobID(id), agentQueryRules: rules),
                acquisitionToken: Secret(token))
        }

        /// A launcher for a recipe. The first argument that follows it is the directory `slots` of the bed, unless told.
        func launcher(
            _ recipe: String, _ arguments: [String], shell: String = "/bin/sh", environment: [String: String?] = [:]
        ) throws -> CommandLauncher {
            var configuration = CommandLauncher.Configuration()
            configuration.output = .files(directory: root.path)
            configuration.workingDirectory = root.path
            // So long that no machine is too busy for what has to be done at SIGTERM.
            configuration.gracePeriod = .seconds(3600)
            let own: [String: String?] = self.environment
            configuration.environment = own.merging(environment) { $1 }
            return try CommandLauncher(
                command: [shell, EngineRecipe.path(recipe)] + arguments,
                configuration: configuration)
        }

        /// A path in the bed.
        func path(_ name: String) -> String { root.appendingPathComponent(name).path }

        /// A file's content; nothing when there is no such file.
        subscript(name: String) -> String { contents(of: name) }

        /// What a job's recipe has written.
        func log(_ job: LaunchedJob) -> String { self["\(job.id).log"] }

        /// What the agent of a job has written down, `env` for example.
        func agent(_ job: LaunchedJob, _ what: String) -> String { self["agent-\(job.id).\(what)"] }

        func hasStarted(_ job: LaunchedJob) -> Bool { !agent(job, "started").isEmpty }

        /// What stands in the directory.
        func files(in name: String) throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: path(name)).sorted()
        }

        /// The files of the bed that hold the token.
        func filesWithToken() throws -> [String] {
            try FileManager.default.subpathsOfDirectory(atPath: root.path).filter { self[$0].contains(Self.token) }
                .sorted()
        }

        /// That the agent got what it needs and nothing else, and that the token was in no command line and no other file.
        func expectAgentHadAll(_ job: LaunchedJob, and more: [String] = []) throws {
            let all = ["BUILDKITE_AGENT_ACQUIRE_JOB=\(job.id)", "BUILDKITE_AGENT_TOKEN=\(Self.token)"] + more
            #expect(agent(job, "env") == all.map { $0 + "\n" }.joined(), "\(log(job))")
            #expect(agent(job, "process").hasPrefix("start\n"))
            #expect(agent(job, "told") == "kept\n")
            #expect(try filesWithToken() == ["agent-\(job.id).env"])
        }

        /// That the recipe ends with a status, and says why, without having started an agent.
        func expectNoStart(
            _ launcher: CommandLauncher, status: Int = 75, saying words: String, job: LaunchedJob = MachineBed.job(),
            sourceLocation: SourceLocation = #_sourceLocation
        ) async throws {
            let exit = try await launcher.launch(job)
            #expect(exit.status == status, "\(log(job))", sourceLocation: sourceLocation)
            #expect(log(job).contains(words), sourceLocation: sourceLocation)
            #expect(!hasStarted(job), sourceLocation: sourceLocation)
        }
    }

    /// Rules that try to become an option, a pattern, a path, a second word, or a command.
    let hostileImages = [
        "-oProxyCommand=touch pwned", "--help", "$(touch pwned)", "`touch pwned`", "*", "?????", "../base", "base base",
        "'; touch pwned; '", "\"; touch pwned; \"", "base=", "\u{1b}[2J",
    ]
#endif
