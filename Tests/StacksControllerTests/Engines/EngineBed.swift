import CommandLaunching
import Foundation
import StacksAPI
import StacksController
import Testing

#if os(Linux)
    /// A directory in which a recipe runs as `stacksctl run` starts it, with programs that stand in for those of its engine.
    /// What the engine has of its own is there too: `$BED` is the directory's path. There is no other program on the PATH
    /// than these and what every machine has.
    struct EngineBed {
        static let token = "bkjat_travels"

        let root: URL
        /// What the recipe's commands have beside what they inherit.
        let environment: [String: String]

        private static let tools = [
            "awk", "bash", "cat", "chmod", "curl", "cut", "date", "env", "flock", "grep", "head", "jq", "ls", "mkdir",
            "mkfifo", "mv", "rm", "sed", "setsid", "sh", "sort", "tail", "tee", "tr", "true",
        ]

        /// Makes a bed, and removes it in the end, together with what still runs in it: each program that waits in a bed
        /// ends when that is gone.
        ///
        /// - Parameter programs: Scripts for bash, by the names of programs. `$BED/calls` has a line for each call, and
        ///   `$BED/leaks` one for each that had the token in its environment.
        static func use(
            programs: [String: String], environment: [String: String] = [:],
            _ body: (EngineBed) async throws -> Void
        ) async throws {
            let root = FileManager.default.temporaryDirectory.appendingPathComponent("engine-\(UUID())")
            let bin = root.appendingPathComponent("bin")
            try FileManager.default.createDirectory(at: bin, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: root) }
            let own = ["PATH": bin.path, "BED": root.path]
            let bed = EngineBed(root: root, environment: own.merging(environment) { $1 })
            for tool in tools where programs[tool] == nil { try bed.add(tool: tool) }
            let prelude = #"""
                printf '%s\n' "${0##*/} ${*//$'\n'/ }" >>"$BED/calls"
                ! env | grep -q '=bkjat_' || echo "${0##*/}" >>"$BED/leaks"

                """#
            for (name, script) in programs { try bed.add(program: name, prelude + script) }
            try bed.add(program: "buildkite-agent", agent)
            // Recipes look again each second or two. A machine reads what its processes write while they sleep.
            try bed.add(
                program: "sleep",
                #"""
                written=$BED/tart/vms/${MACHINE:-none}/written
                [ ! -e "$written" ] || cat "$written" >"$written.read"
                case $1 in [12]) exec /bin/sleep 0.02 ;; *) exec /bin/sleep "$1" ;; esac
                """#)
            try await body(bed)
        }

        /// The agent: it writes down what it has, and whether any process's command line has the token, and waits for
        /// `$BED/status`, its exit status.
        private static let agent = #"""
            unset SHLVL _ PWD OLDPWD
            me=$BED/agent-$BUILDKITE_AGENT_ACQUIRE_JOB
            env | grep -E '^(BUILDKITE|STACKS|ORCHARD|NOMAD|SLURM|MACHINE)' | sort >"$me.env"
            printf '%s\n' "$*" "$$" "$PPID" >>"$me.process"
            lines=$(cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' ' ')
            [[ $lines == *"$BUILDKITE_AGENT_TOKEN"* ]] && echo told >"$me.told" || echo kept >"$me.told"
            trap 'echo "the agent stops"; echo stopped >"$me.end"; exit 143' TERM
            echo 'the agent writes'
            echo >"$me.started"
            until [ -e "$BED/status" ]; do [ -d "$BED" ] || exit; sleep 0.02; done
            exit "$(cat "$BED/status")"
            """#

        /// A program of bash, by its name.
        func add(program name: String, _ script: String) throws {
            let file = root.appendingPathComponent("bin/\(name)")
            try Data("#!/bin/bash\n\(script)\n".utf8).write(to: file)
            try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: file.path)
        }

        /// A program of this machine.
        func add(tool: String) throws {
            let places = ["/usr/bin/\(tool)", "/bin/\(tool)"]
            try FileManager.default.createSymbolicLink(
                atPath: path("bin/\(tool)"),
                withDestinationPath: try #require(
                    places.first(where: FileManager.default.isExecutableFile), "there is no \(tool)"))
        }

        /// No longer has this program.
        func remove(program: String) throws { try FileManager.default.removeItem(atPath: path("bin/\(program)")) }

        /// A job, the `number`th, with rules, of a queue.
        static func job(_ number: Int = 1, rules: [String] = [], queue: QueueKey = .default) -> LaunchedJob {
            let id = "01989c5e-0000-7000-8000-" + String(String(1_000_000_000_000 + number).dropFirst())
            return LaunchedJob(
                scheduled: ScheduledJob(id: JobID(id), agentQueryRules: rules),
                acquisitionToken: Secret(token), queue: queue)
        }

        /// A launcher for a recipe, by its arguments.
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

        /// Has `$BED/locking` tell, by a line for each try, which jobs' recipes try to lock something.
        func notesLocking() throws {
            try remove(program: "flock")
            try add(
                program: "flock",
                #"""
                echo "$BUILDKITE_AGENT_ACQUIRE_JOB" >>"$BED/locking"
                exec /usr/bin/flock "$@"
                """#)
        }

        /// How often a job's recipe has tried to lock something. Each but the last of these tries is over.
        func triesToLock(_ job: LaunchedJob) -> Int {
            self["locking"].split(separator: "\n").count { $0 == "\(job.id)" }
        }

        /// A path in the bed.
        func path(_ name: String) -> String { root.appendingPathComponent(name).path }

        func write(_ text: String = "", to name: String) throws {
            try text.write(toFile: path(name), atomically: true, encoding: .utf8)
        }

        func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

        /// A file's content; nothing when there is no such file.
        subscript(name: String) -> String { (try? String(contentsOfFile: path(name), encoding: .utf8)) ?? "" }

        /// What a job's recipe has written.
        func log(_ job: LaunchedJob = EngineBed.job()) -> String { self["\(job.id).log"] }

        /// What the agent of a job has written down, `env` for example.
        func agent(_ job: LaunchedJob, _ what: String) -> String { self["agent-\(job.id).\(what)"] }

        func hasStarted(_ job: LaunchedJob = EngineBed.job()) -> Bool { !agent(job, "started").isEmpty }

        /// What stands in the directory, if there is one.
        func files(in name: String) throws -> [String] {
            guard has(name) else { return [] }
            return try FileManager.default.contentsOfDirectory(atPath: path(name)).sorted()
        }

        /// The files of the bed that hold the token.
        func filesWithToken() throws -> [String] {
            try FileManager.default.subpathsOfDirectory(atPath: root.path)
                .filter { !$0.hasPrefix("bin/") && self[$0].contains(Self.token) }
                .sorted()
        }

        /// That the agent got what it needs and nothing else, once, and that the token was in no command line, no other
        /// file and no other program's environment.
        func expectAgentHadAll(_ job: LaunchedJob = EngineBed.job(), and more: [String] = []) throws {
            let all = (["BUILDKITE_AGENT_ACQUIRE_JOB=\(job.id)", "BUILDKITE_AGENT_TOKEN=\(Self.token)"] + more).sorted()
            #expect(agent(job, "env") == all.map { $0 + "\n" }.joined(), "\(log(job))")
            #expect(agent(job, "process").hasPrefix("start\n"))
            #expect(agent(job, "process").split(separator: "\n").count == 3)
            #expect(agent(job, "told") == "kept\n")
            #expect(try filesWithToken() == ["agent-\(job.id).env"])
            #expect(self["leaks"] == "")
        }

        /// That the recipe ends with a status, and says why, without having started an agent.
        func expectNoStart(
            _ launcher: CommandLauncher, status: Int = 75, saying words: String, job: LaunchedJob = EngineBed.job(),
            sourceLocation: SourceLocation = #_sourceLocation
        ) async throws {
            let exit = try await launcher.launch(job)
            #expect(exit.status == status, "\(log(job))", sourceLocation: sourceLocation)
            #expect(log(job).contains(words), sourceLocation: sourceLocation)
            #expect(!hasStarted(job), sourceLocation: sourceLocation)
        }
    }

    extension CommandLauncher {
        /// Launches a job and cancels it when `condition` holds.
        func launch(_ job: LaunchedJob = EngineBed.job(), cancelledWhen condition: () throws -> Bool) async throws
            -> JobExit
        {
            let launch = Task { try await self.launch(job) }
            try await wait(until: condition)
            launch.cancel()
            return try await launch.value
        }
    }

    /// Rules that try to become an option, a pattern, a path, a second word, or a command.
    let hostileImages = [
        "-oProxyCommand=touch pwned", "--help", "$(touch pwned)", "`touch pwned`", "*", "?????", "../base", "base base",
        "'; touch pwned; '", "\"; touch pwned; \"", "base=", "\u{1b}[2J",
    ]
#endif
