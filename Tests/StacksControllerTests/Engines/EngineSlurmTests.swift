#if os(Linux)
    import CommandLaunching
    import StacksAPI
    import StacksController
    import Testing

    /// `Scripts/slurm-demo` runs the recipe for real. This is what it does not come to.
    @Suite("The recipe for Slurm", .timeLimit(.minutes(5)))
    struct EngineSlurmTests {
        private static let programs = [
            // At SIGTERM srun has its step killed.
            "srun": """
            printf '%s\\n' "$0" "$@" >>"$REMOTE/calls"
            while [ "$1" != -- ]; do
                case $1 in
                --quiet | --ntasks=1 | --export=ALL | --partition=batch) shift ;;
                *) echo "srun: unrecognized option '$1'" >&2; exit 1 ;;
                esac
            done
            shift
            setsid "$@" </dev/null &
            trap 'kill -KILL "$!"; echo killed >"$REMOTE/end"; exit 143' TERM
            wait "$!"
            """,
            "sinfo": """
            printf '%s\\n' "$0" "$@" >>"$REMOTE/calls"
            [ ! -e "$REMOTE/unreachable" ] || { echo 'slurm_load_partitions: Unable to contact slurm controller' >&2; exit 1; }
            case $* in
            '--noheader --format=%a' | '--noheader --format=%a --partition=batch') printf 'up\\nup\\n' ;;
            esac
            """,
        ]

        private func withSlurm(_ arguments: [String] = [], _ body: (EngineBed) async throws -> Void) async throws {
            try await EngineBed.with(["run-in-slurm"] + arguments, Self.programs, body)
        }

        @Test(
            "the agent gets the token and the UUID, no command line has the token, and the agent's exit status is the recipe's",
            arguments: [0, 3, 27, 28] as [Int])
        func runs(status: Int) async throws {
            try await withSlurm { slurm in
                try slurm.write("\(status)", to: "status")
                #expect(try await slurm.launch().status == status, "\(slurm.log)")
                #expect(slurm.contents(of: "agent") == "bkjat_travels \(EngineBed.job.id) \n")
                #expect(try slurm.filesWithToken() == ["agent"])
                #expect(slurm.log == "" && slurm.calls.last == "start")
            }
        }

        @Test("cancelling has the step killed")
        func cancels() async throws {
            try await withSlurm { slurm in
                #expect(try await slurm.launch { $0.has("started") }.status == 143)
                try await wait { slurm.contents(of: "end") == "killed\n" }
            }
        }

        @Test(
            "without a program, or a controller daemon that responds, no step is created and the job is given back",
            arguments: ["srun", "sinfo", "unreachable"])
        func checks(what: String) async throws {
            try await withSlurm { slurm in
                if what == "unreachable" { try slurm.write("", to: what) } else { try slurm.remove(program: what) }
                #expect(try await slurm.launch().status == 75)
                #expect(slurm.log.contains("run-in-slurm: ") && !slurm.calls.contains("--ntasks=1"))
            }
        }

        @Test("the queue chooses between the partitions that are offered, and the words after -- are the agent")
        func partitions() async throws {
            try await withSlurm(["gpu=gone", "cpu=batch", "--", "buildkite-agent", "start", "--spawn=1"]) { slurm in
                try slurm.write("0", to: "status")
                #expect(try await slurm.launch(EngineBed.job(queue: "cpu")).status == 0, "\(slurm.log)")
                #expect(slurm.calls.contains("--partition=batch") && slurm.calls.last == "--spawn=1")
                // A partition that Slurm does not have, and a queue that is not offered.
                #expect(try await slurm.launch(EngineBed.job(queue: "gpu")).status == 75)
                #expect(try await slurm.launch(EngineBed.job(queue: "other")).status == 75)
            }
        }

        @Test(
            "what is no partition is refused",
            arguments: ["batch", "=batch", "cpu=", "cpu=a b", "--partition=x", "cpu=$(x)"])
        func refuses(argument: String) async throws {
            try await withSlurm([argument]) { slurm in
                let exit = try await slurm.launch()
                #expect(exit.status == 75)
                #expect(slurm.log.contains("is not QUEUE=PARTITION") && slurm.calls.isEmpty)
            }
        }
    }
#endif
