#if os(Linux)
    import CommandLaunching
    import StacksAPI
    import StacksController
    import Testing

    /// `Scripts/slurm-demo` runs the recipe for real. This is what it does not come to.
    @Suite("The recipe for Slurm", .timeLimit(.minutes(5)))
    struct EngineSlurmTests {
        private static let programs = [
            // At SIGTERM srun has its step killed. `limit` has it refuse, and `SLURM_EXPORT_ENV` is what it takes for --export
            // when that is not given.
            "srun": #"""
            while [ "$1" != -- ]; do
                case $1 in
                --quiet | --ntasks=1 | --partition=batch | --job-name=buildkite-*) shift ;;
                --export=ALL) SLURM_EXPORT_ENV=ALL; shift ;;
                *) echo "srun: unrecognized option '$1'" >&2; exit "${SLURM_EXIT_ERROR:-1}" ;;
                esac
            done
            shift
            [ ! -e "$BED/limit" ] || {
                echo 'srun: error: Unable to allocate resources: Job violates accounting/QOS policy' >&2
                exit "${SLURM_EXIT_ERROR:-1}"
            }
            [ "${SLURM_EXPORT_ENV:-ALL}" = ALL ] || unset BUILDKITE_AGENT_TOKEN
            unset SLURM_EXPORT_ENV
            SLURMD_NODENAME=node0 setsid "$@" </dev/null &
            trap 'kill -KILL "$!"; echo killed >"$BED/end"; exit 143' TERM
            wait "$!"
            """#,
            "sinfo": #"""
            [ ! -e "$BED/unreachable" ] || { echo 'slurm_load_partitions: Unable to contact slurm controller' >&2; exit 1; }
            case $* in
            '--noheader --format=%a' | '--noheader --format=%a --partition=batch') printf 'up\nup\n' ;;
            esac
            """#,
        ]

        private func withSlurm(
            _ arguments: [String] = [], _ body: (EngineBed, CommandLauncher) async throws -> Void
        ) async throws {
            try await EngineBed.use(programs: Self.programs, environment: ["SLURM_EXPORT_ENV": "NONE"]) { slurm in
                try await body(slurm, try slurm.launcher("run-in-slurm", arguments))
            }
        }

        @Test(
            "the agent gets the token and the UUID, no command line has the token, and the agent's exit status is the recipe's",
            arguments: [0, 3, 27, 28] as [Int])
        func runs(status: Int) async throws {
            try await withSlurm { slurm, launcher in
                try slurm.write("\(status)", to: "status")
                #expect(try await launcher.launch(EngineBed.job()).status == status, "\(slurm.log())")
                let variables = slurm.agent(EngineBed.job(), "env").split(separator: "\n")
                #expect(variables.contains("BUILDKITE_AGENT_TOKEN=\(EngineBed.token)"))
                #expect(variables.contains("BUILDKITE_AGENT_ACQUIRE_JOB=\(EngineBed.job().id)"))
                // What a job starts with srun ends as it does elsewhere.
                #expect(!variables.contains { $0.hasPrefix("SLURM_EXIT_ERROR") })
                #expect(slurm.agent(EngineBed.job(), "told") == "kept\n")
                #expect(slurm.agent(EngineBed.job(), "process").hasPrefix("start\n"))
                #expect(try slurm.filesWithToken() == ["agent-\(EngineBed.job().id).env"])
                #expect(slurm.log() == "the agent writes\n")
            }
        }

        @Test("cancelling has the step killed")
        func cancels() async throws {
            try await withSlurm { slurm, launcher in
                #expect(try await launcher.launch { slurm.hasStarted() }.status == 143)
                try await wait { slurm["end"] == "killed\n" }
            }
        }

        @Test(
            "without a program, or a controller daemon that responds, no step is created and the job is given back",
            arguments: ["srun", "sinfo", "unreachable"])
        func checks(what: String) async throws {
            try await withSlurm { slurm, launcher in
                if what == "unreachable" { try slurm.write(to: what) } else { try slurm.remove(program: what) }
                try await slurm.expectNoStart(launcher, saying: "run-in-slurm: ")
                #expect(!slurm["calls"].contains("--ntasks=1"))
            }
        }

        @Test("what Slurm itself refuses, for a limit or an account, gives the job back")
        func limit() async throws {
            try await withSlurm { slurm, launcher in
                try slurm.write(to: "limit")
                try await slurm.expectNoStart(launcher, saying: "srun: error: Unable to allocate resources: ")
            }
        }

        @Test("a node without the agent gives the job back", arguments: [[], ["--", "/opt/none/agent", "start"]])
        func noAgent(arguments: [String]) async throws {
            try await withSlurm(arguments) { slurm, launcher in
                try slurm.remove(program: "buildkite-agent")
                let agent = arguments.isEmpty ? "buildkite-agent" : arguments[1]
                try await slurm.expectNoStart(
                    launcher, saying: "run-in-slurm: there is no \(agent) on the PATH of node0\n")
            }
        }

        @Test("the queue chooses between the partitions that are offered, and the words after -- are the agent")
        func partitions() async throws {
            let words = ["gpu=gone", "cpu=batch", "--", "buildkite-agent", "start", "--name=a b"]
            try await withSlurm(words) { slurm, launcher in
                try slurm.write("0", to: "status")
                #expect(try await launcher.launch(EngineBed.job(queue: "cpu")).status == 0, "\(slurm.log())")
                #expect(slurm["calls"].contains("--partition=batch"))
                #expect(slurm.agent(EngineBed.job(), "process").hasPrefix("start --name=a b\n"))
                // A partition that Slurm does not have, and a queue that is not offered.
                #expect(try await launcher.launch(EngineBed.job(queue: "gpu")).status == 75)
                #expect(try await launcher.launch(EngineBed.job(queue: "other")).status == 75)
            }
        }

        @Test(
            "what is no partition is refused",
            arguments: ["batch", "=batch", "cpu=", "cpu=a b", "--partition=x", "cpu=$(x)"])
        func refuses(argument: String) async throws {
            try await withSlurm([argument]) { slurm, launcher in
                try await slurm.expectNoStart(launcher, saying: "is not QUEUE=PARTITION")
                #expect(!slurm.has("calls"))
            }
        }
    }
#endif
