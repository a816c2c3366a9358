#if os(Linux)
    import CommandLaunching
    import Foundation
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

        private func withNomad(
            _ version: Version = .old, _ body: (EngineBed, CommandLauncher) async throws -> Void
        ) async throws {
            try await EngineBed.use(programs: nomadStandIn, environment: nomadEnvironment) { nomad in
                try nomad.write(version.rawValue, to: "version")
                try await body(nomad, try nomad.launcher("run-in-nomad", []))
            }
        }

        private func expectNoJob(_ nomad: EngineBed, _ sourceLocation: SourceLocation = #_sourceLocation) throws {
            #expect(try nomad.files(in: "jobs") == [], sourceLocation: sourceLocation)
        }

        @Test(
            "the agent gets the token and the UUID, nothing that Nomad keeps has the token, and the agent's exit status is the recipe's",
            arguments: Version.allCases, [0, 1, 3, 27, 28] as [Int])
        func runs(version: Version, status: Int) async throws {
            try await withNomad(version) { nomad, launcher in
                try nomad.write("\(status)", to: "status")
                #expect(try await launcher.launch(EngineBed.job()).status == status, "\(nomad.log())")
                try nomad.expectAgentHadAll()
                #expect(!nomad["calls"].contains("secret"))
                #expect(nomad.log() == "the agent writes\n")
                #expect(nomad["requests"].contains("DELETE "))
                try expectNoJob(nomad)
            }
        }

        @Test("cancelling removes the dispatched job, and so stops the agent", arguments: Version.allCases)
        func cancels(version: Version) async throws {
            try await withNomad(version) { nomad, launcher in
                #expect(try await launcher.launch { nomad.hasStarted() }.status == 143)
                try await wait { nomad.agent(EngineBed.job(), "end") == "stopped\n" }
                try expectNoJob(nomad)
            }
        }

        @Test("cancelling while Nomad has no room removes the dispatched job, and no agent is started")
        func cancelsWaiting() async throws {
            try await withNomad { nomad, launcher in
                try nomad.write(to: "full")
                #expect(try await launcher.launch { nomad.has("jobs/\(EngineBed.job().id)/asked") }.status == 143)
                #expect(!nomad.hasStarted())
                try expectNoJob(nomad)
            }
        }

        @Test("cancelling while the job is dispatched removes it, once its name has come")
        func cancelsDispatching() async throws {
            try await withNomad { nomad, launcher in
                try nomad.write(to: "slow dispatch")
                let launch = Task { try await launcher.launch(EngineBed.job()) }
                try await wait { try nomad.files(in: "jobs") != [] }
                launch.cancel()
                try nomad.write(to: "go")
                #expect(try await launch.value.status == 143)
                try expectNoJob(nomad)
            }
        }

        @Test(
            "without a program, a Nomad that responds, a version that has exec, or the parameterized job, nothing is dispatched and the job is given back",
            arguments: ["nomad", "curl", "jq", "unreachable", "no exec", "no job", "plain job"])
        func checks(what: String) async throws {
            try await withNomad { nomad, launcher in
                if ["nomad", "curl", "jq"].contains(what) {
                    try nomad.remove(program: what)
                } else {
                    try nomad.write(to: what)
                }
                try await nomad.expectNoStart(launcher, saying: "run-in-nomad: ")
                #expect(!nomad["requests"].contains("POST "))
            }
        }

        @Test(
            "a dispatch that is refused, or whose response is another, gives the job back",
            arguments: ["no dispatch", "odd dispatch"])
        func refused(how: String) async throws {
            try await withNomad { nomad, launcher in
                try nomad.write(to: how)
                try await nomad.expectNoStart(launcher, saying: "run-in-nomad: ")
                #expect(!nomad["requests"].contains("DELETE "))
            }
        }

        @Test(
            "a dispatch whose response is lost gives the job back, and what it has dispatched, and nothing else, is removed",
            arguments: Version.allCases)
        func lostDispatch(version: Version) async throws {
            try await withNomad(version) { nomad, launcher in
                try nomad.write(to: "lost dispatch")
                for number in [0, 2] {
                    try FileManager.default.createDirectory(
                        atPath: nomad.path("jobs/\(EngineBed.job(number).id)"), withIntermediateDirectories: true)
                }
                try await nomad.expectNoStart(launcher, saying: "the response names no job\n")
                #expect(try nomad.files(in: "jobs") == [0, 2].map { "\(EngineBed.job($0).id)" })
            }
        }

        @Test("a job whose dispatch was lost while Nomad is away is said to be unknown")
        func lostNomad() async throws {
            try await withNomad { nomad, launcher in
                try nomad.write(to: "lost dispatch")
                try nomad.write(to: "unlisted")
                try await nomad.expectNoStart(
                    launcher,
                    saying: "run-in-nomad: it is not known whether a job was dispatched for \(EngineBed.job().id)\n")
            }
        }

        @Test("an allocation whose other task runs already is waited for until the agent's does")
        func neighbour() async throws {
            try await withNomad { nomad, launcher in
                try nomad.write(to: "neighbour")
                try nomad.write("3", to: "status")
                #expect(try await launcher.launch(EngineBed.job()).status == 3, "\(nomad.log())")
                try nomad.expectAgentHadAll()
                try expectNoJob(nomad)
            }
        }

        @Test(
            "an allocation that fails, as when its image cannot be pulled, or whose agent's task alone has ended, is removed, said, and the job given back",
            arguments: [("fails", "failed", "Failed to pull"), ("dead", "running; ", "Exit Code: 2")])
        func noSandbox(how: String, state: String, event: String) async throws {
            try await withNomad { nomad, launcher in
                try nomad.write(to: how)
                try await nomad.expectNoStart(launcher, saying: "Nomad started no sandbox: \(state)")
                #expect(nomad.log().contains(event) && !nomad.log().contains("\u{1B}"))
                try expectNoJob(nomad)
            }
        }

        @Test("a token that may do all but run something in a task gives the job back, and no agent gets it")
        func noPermission() async throws {
            try await withNomad { nomad, launcher in
                try nomad.write(to: "no permission")
                try await nomad.expectNoStart(
                    launcher,
                    saying:
                        "run-in-nomad: nothing can be run in the task of 'buildkite-agent': may this token do that (alloc-exec)?\n"
                )
                #expect(nomad.log().contains("403 (Permission denied)"))
                // What an exec is handed that is refused is noted.
                #expect(!nomad.has("handed"))
                try expectNoJob(nomad)
            }
        }

        @Test("an exec connection that breaks gives the job back, and ends the dispatched job and the agent")
        func breaks() async throws {
            try await withNomad { nomad, launcher in
                try nomad.write(to: "breaks")
                #expect(try await launcher.launch(EngineBed.job()).status == 75)
                #expect(
                    nomad.log().contains("run-in-nomad: the connection to the task of 'buildkite-agent' was lost\n"))
                try await wait { nomad.agent(EngineBed.job(), "end") == "stopped\n" }
                try expectNoJob(nomad)
            }
        }

        @Test("an image that has no agent gives the job back")
        func noAgent() async throws {
            try await withNomad { nomad, launcher in
                try nomad.remove(program: "buildkite-agent")
                try await nomad.expectNoStart(launcher, saying: "there is no buildkite-agent here\n")
                try expectNoJob(nomad)
            }
        }

        @Test(
            "a job's rule can name nothing that is not offered",
            arguments: ["x", "-purge", "$(touch hostile)", "*", "default/../x"])
        func offered(image: String) async throws {
            try await withNomad { nomad, launcher in
                let exit = try await launcher.launch(EngineBed.job(rules: ["image=\(image)"]))
                #expect(exit.status == 1)
                #expect(!nomad.has("hostile") && !nomad.has("calls"))
            }
        }
    }
#endif
