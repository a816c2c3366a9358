#if os(Linux)
    import CommandLaunching
    import StacksAPI
    import StacksController
    import Testing

    @Suite("The recipe for Nomad", .timeLimit(.minutes(5)))
    struct EngineNomadTests {
        /// Two versions, with what they have in common and what they do not: `job allocs` is of the newer one, and
        /// with the older one it prints a usage and fails.
        enum Version: String, CaseIterable, Sendable, CustomTestStringConvertible {
            case old = "1.0.18"
            case new = "1.10.0"

            var testDescription: String { rawValue }
        }

        /// A Nomad with one allocation. `curl` is its HTTP API, and refuses what is not in its description. What is removed is
        /// killed with all that is in it.
        private static let programs = [
            "curl": """
            printf '%s\\n' "$0" "$@" >>"$REMOTE/calls"
            ! env | grep -q bkjat_ || echo "$0" >>"$REMOTE/leaks"
            [ "${*: -2}" = '--config -' ] || exit 2
            while [ "$1" != --config ]; do
                [ "$1" != --request ] || method=$2
                shift
            done
            configuration=$(cat)
            field() { printf '%s\\n' "$configuration" | sed -n "s/^$1 = \\"\\(.*\\)\\"\\$/\\1/p"; }
            url=$(field url)
            printf '%s %s\\n' "$method" "$url" >>"$REMOTE/requests"
            refuse() { echo "curl: (22) The requested URL returned error: $1" >&2; exit 22; }
            [ ! -e "$REMOTE/unreachable" ] || { echo "curl: (7) Failed to connect" >&2; exit 7; }
            [ "$(field header)" = 'X-Nomad-Token: acl \\"secret' ] || refuse 403
            case "$method $url" in
            'GET http://nomad:4646/v1/job/buildkite-agent?namespace=builds%2Fa&region=eu')
                [ ! -e "$REMOTE/no job" ] || refuse 404
                if [ -e "$REMOTE/plain job" ]; then echo '{"ID":"buildkite-agent","ParameterizedJob":null,"Stop":false}'
                else echo '{"ID":"buildkite-agent","ParameterizedJob":{"MetaRequired":["job"]},"Stop":false}'; fi
                ;;
            'POST http://nomad:4646/v1/job/buildkite-agent/dispatch?namespace=builds%2Fa&region=eu')
                [ ! -e "$REMOTE/no dispatch" ] || refuse 403
                [ ! -e "$REMOTE/odd dispatch" ] || { echo '{}'; exit; }
                echo >"$REMOTE/job"
                [ ! -e "$REMOTE/slow dispatch" ] || until [ -e "$REMOTE/go" ]; do sleep; done
                field data | sed 's/\\\\\\(.\\)/\\1/g' | jq -r .Meta.job >"$REMOTE/meta"
                echo '{"DispatchedJobID":"buildkite-agent/dispatch-1-a","EvalID":"e"}'
                ;;
            'GET http://nomad:4646/v1/job/buildkite-agent%2Fdispatch-1-a/allocations?namespace=builds%2Fa&region=eu')
                [ -e "$REMOTE/job" ] || refuse 404
                if [ ! -e "$REMOTE/asked" ] || [ -e "$REMOTE/full" ]; then echo '[]'
                elif [ -e "$REMOTE/fails" ]; then
                    echo '[{"ID":"alloc-0","ClientStatus":"failed","TaskStates":{"agent":{"Events":[{"DisplayMessage":"Failed to pull \\\\u001b[2J"}]}}}]'
                else echo '[{"ID":"alloc-1","ClientStatus":"running","TaskStates":{"agent":{"State":"running"}}}]'; fi
                echo >"$REMOTE/asked"
                ;;
            'DELETE http://nomad:4646/v1/job/buildkite-agent%2Fdispatch-1-a?purge=true&namespace=builds%2Fa&region=eu')
                rm "$REMOTE/job"
                [ ! -e "$REMOTE/sandbox" ] || kill "$(cat "$REMOTE/sandbox")" 2>/dev/null
                echo '{"EvalID":"e"}'
                ;;
            *) refuse 405 ;;
            esac
            """,
            "nomad": """
            printf '%s\\n' "$0" "$@" >>"$REMOTE/calls"
            ! env | grep -q bkjat_ || echo "$0" >>"$REMOTE/leaks"
            usage() { echo "Usage: nomad [-version] [-help] [-autocomplete-(un)install] <command> [args]"; exit 127; }
            case "$*" in
            'alloc exec -help') [ ! -e "$REMOTE/no exec" ] || usage; printf '  -task <task-name>\\n' ;;
            'alloc exec -i -t=false -e none -task agent alloc-1 sh -c '*)
                shift 9
                exec 3<&0
                setsid env -i PATH="$PATH" REMOTE="$REMOTE" \\
                    sh -c 'echo $$ >"$0"; exec "$@"' "$REMOTE/sandbox" "$@" <&3 3<&- &
                wait "$!"
                ;;
            # The older one takes it for a mistake in `nomad job`, and prints that one's usage.
            'job allocs '*)
                [ "$(cat "$REMOTE/version")" = 1.10.0 ] || { echo 'Usage: nomad job <subcommand> [options] [args]'; exit 1; }
                echo 'No allocations placed'
                ;;
            *) usage ;;
            esac
            """,
        ]

        private func withNomad(
            _ version: Version = .old, _ body: (EngineBed) async throws -> Void
        ) async throws {
            let environment = [
                "NOMAD_ADDR": "http://nomad:4646/", "NOMAD_TOKEN": "acl \"secret", "NOMAD_NAMESPACE": "builds/a",
                "NOMAD_REGION": "eu",
            ]
            try await EngineBed.with(["run-in-nomad"], Self.programs, environment: environment) { nomad in
                try nomad.write(version.rawValue, to: "version")
                try await body(nomad)
            }
        }

        @Test(
            "the agent gets the token and the UUID, nothing that Nomad keeps has the token, and the agent's exit status is the recipe's",
            arguments: Version.allCases, [0, 3, 27, 28] as [Int])
        func runs(version: Version, status: Int) async throws {
            try await withNomad(version) { nomad in
                try nomad.write("\(status)", to: "status")
                let exit = try await nomad.launch()
                #expect(exit.status == status, "\(nomad.log)")
                #expect(nomad.contents(of: "agent") == "bkjat_travels \(EngineBed.job.id) \n")
                #expect(nomad.contents(of: "meta") == "\(EngineBed.job.id)\n")
                #expect(try nomad.filesWithToken() == ["agent"])
                #expect(!nomad.has("leaks"))
                #expect(!nomad.calls.contains { $0.contains("secret") })
                #expect(nomad.log == "" && !nomad.has("job"))
                #expect(nomad.contents(of: "requests").contains("DELETE "))
            }
        }

        @Test("cancelling removes the dispatched job, and so stops the agent", arguments: Version.allCases)
        func cancels(version: Version) async throws {
            try await withNomad(version) { nomad in
                #expect(try await nomad.launch { $0.has("started") }.status == 143)
                try await wait { nomad.contents(of: "end") == "stopped\n" }
                #expect(!nomad.has("job"))
            }
        }

        @Test("cancelling while Nomad has no room removes the dispatched job, and no agent is started")
        func cancelsWaiting() async throws {
            try await withNomad { nomad in
                try nomad.write("", to: "full")
                #expect(try await nomad.launch { $0.has("asked") }.status == 143)
                #expect(!nomad.has("job") && !nomad.has("agent"))
            }
        }

        @Test("cancelling while the job is dispatched removes it, once its name has come")
        func cancelsDispatching() async throws {
            try await withNomad { nomad in
                try nomad.write("", to: "slow dispatch")
                let launcher = nomad.launcher
                let launch = Task { try await launcher.launch(EngineBed.job) }
                try await wait { nomad.has("job") }
                launch.cancel()
                try nomad.write("", to: "go")
                #expect(try await launch.value.status == 143)
                #expect(!nomad.has("job"))
            }
        }

        @Test(
            "without a program, a Nomad that responds, a version that has exec, or the parameterized job, nothing is dispatched and the job is given back",
            arguments: ["nomad", "curl", "jq", "unreachable", "no exec", "no job", "plain job"])
        func checks(what: String) async throws {
            try await withNomad { nomad in
                if ["nomad", "curl", "jq"].contains(what) {
                    try nomad.remove(program: what)
                } else {
                    try nomad.write("", to: what)
                }
                #expect(try await nomad.launch().status == 75)
                #expect(nomad.log.contains("run-in-nomad: "))
                #expect(!nomad.contents(of: "requests").contains("POST "))
            }
        }

        @Test(
            "a dispatch that is refused, or whose response is another, gives the job back",
            arguments: ["no dispatch", "odd dispatch"])
        func refused(how: String) async throws {
            try await withNomad { nomad in
                try nomad.write("", to: how)
                #expect(try await nomad.launch().status == 75)
                #expect(nomad.log.contains("run-in-nomad: "))
                #expect(!nomad.contents(of: "requests").contains("DELETE "))
            }
        }

        @Test("an allocation that fails, as when its image cannot be pulled, is removed, said, and the job given back")
        func fails() async throws {
            try await withNomad { nomad in
                try nomad.write("", to: "fails")
                #expect(try await nomad.launch().status == 75)
                #expect(nomad.log.contains("Nomad started no sandbox: failed"))
                #expect(nomad.log.contains("Failed to pull") && !nomad.log.contains("\u{1B}"))
                #expect(!nomad.has("job") && !nomad.has("agent"))
            }
        }

        @Test("an image that has no agent gives the job back")
        func noAgent() async throws {
            try await withNomad { nomad in
                try nomad.remove(program: "buildkite-agent")
                #expect(try await nomad.launch().status == 75)
                #expect(!nomad.has("job"))
            }
        }

        @Test(
            "a job's rule can name nothing that is not offered",
            arguments: ["x", "-purge", "$(touch hostile)", "*", "default/../x"])
        func offered(image: String) async throws {
            try await withNomad { nomad in
                let exit = try await nomad.launch(EngineBed.job(rules: ["image=\(image)"]))
                #expect(exit.status == 1)
                #expect(!nomad.has("hostile") && nomad.calls.isEmpty)
            }
        }
    }
#endif
