import CommandLaunching
import Foundation
import TestServers
import Testing

#if os(Linux)
    /// What `Scripts/slurm-demo` does for Slurm.
    @Suite("Engines under stacksctl run", .serialized, .timeLimit(.minutes(5)))
    struct EngineRunTests {
        enum Recipe: String, CaseIterable, Sendable, CustomTestStringConvertible {
            case pod = "run-in-pod"
            case nomad = "run-in-nomad"
            case tart = "run-in-tart"
            case orchard = "run-in-orchard"
            case ssh = "run-by-ssh"

            var testDescription: String { rawValue }
        }

        /// An engine, and what leads a recipe to it.
        private struct Engine {
            let bed: EngineBed
            var arguments: [String] = []
            var environment: [String: String] = [:]
            /// What it has of jobs.
            let left: () throws -> [String]
        }

        private func withEngine(_ recipe: Recipe, _ body: (Engine) async throws -> Void) async throws {
            switch recipe {
            case .pod:
                try await EngineBed.use(programs: ["kubectl": kubectlStandIn]) { bed in
                    try await body(Engine(bed: bed) { try bed.files(in: "pods") })
                }
            case .nomad:
                try await EngineBed.use(programs: nomadStandIn, environment: nomadEnvironment) { bed in
                    try await body(Engine(bed: bed) { try bed.files(in: "jobs") })
                }
            case .tart:
                try await EngineBed.use(programs: ["tart": tartStandIn]) { bed in
                    try FileManager.default.createDirectory(
                        atPath: bed.path("tart/vms"), withIntermediateDirectories: true)
                    try bed.write("macos-tahoe\n", to: "tart/images")
                    let arguments = [bed.path("slots"), "default=macos-tahoe"]
                    try await body(Engine(bed: bed, arguments: arguments) { try bed.files(in: "tart/vms") })
                }
            case .orchard:
                try await EngineBed.use(programs: orchardStandIn) { bed in
                    let controller = OrchardStandIn(bed: bed, fate: .runs(afterLooks: 1))
                    let server = try LoopbackServer { request, _ in controller.reply(to: request) }
                    defer { server.stop() }
                    try await body(
                        Engine(
                            bed: bed, arguments: [bed.path("slots"), "default=macos-tahoe"],
                            environment: OrchardStandIn.environment(url: server.origin)
                        ) { try controller.images.keys + controller.refused + bed.files(in: "slots") })
                }
            case .ssh:
                try await EngineBed.use(programs: [:]) { bed in
                    try bed.add(tool: "ssh")
                    try bed.write("mac-1 1\nmac-2 1\n", to: "hosts")
                    try await LoopbackSSHD.use(in: bed) { configuration in
                        let arguments = [bed.path("hosts"), bed.path("slots"), "-F", configuration]
                        try await body(
                            Engine(bed: bed, arguments: arguments, environment: LoopbackSSHD.environment) {
                                // Slots stay; a host that was left out would be here too.
                                try bed.files(in: "slots").filter { !["mac-1.1", "mac-2.1"].contains($0) }
                            })
                    }
                }
            }
        }

        @Test(
            "every job runs in the engine, once, and finishes, and nothing of it is left",
            arguments: Recipe.allCases.filter { $0 != .ssh })
        func runs(recipe: Recipe) async throws { try await runAll(by: recipe) }

        @Test(
            "every job runs on a host, once, and finishes, and nothing of it is left",
            .enabled(if: LoopbackSSHD.program != nil, "there is no sshd here"))
        func runsBySSH() async throws { try await runAll(by: .ssh) }

        private func runAll(by recipe: Recipe) async throws {
            try await withEngine(recipe) { engine in
                let bed = engine.bed
                let agent = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                    .appendingPathComponent("../../../Scripts/demo-agent").standardizedFileURL
                try bed.add(
                    program: "buildkite-agent",
                    #"echo "$BUILDKITE_AGENT_ACQUIRE_JOB" >>"$BED/launched"; . "\#(agent.path)""#)
                try FileManager.default.createDirectory(
                    atPath: bed.path("state"), withIntermediateDirectories: false,
                    attributes: [.posixPermissions: 0o700])
                try await SimulatorProcess.run(["--jobs", "6"]) { simulator in
                    var environment = bed.environment.merging(engine.environment) { $1 }
                    environment["BUILDKITE_AGENT_TOKEN"] = simulator.ready.token
                    environment["BUILDKITE_AGENT_ENDPOINT"] = simulator.ready.url
                    let run = try ChildProcess(
                        try BuiltProducts.executable(named: "stacksctl"),
                        [
                            "run", "--stack", "engine", "--queue", simulator.ready.queue, "--max-in-flight", "2",
                            "--once", "--state-directory", bed.path("state"), "--",
                            EngineRecipe.path(recipe.rawValue),
                        ] + engine.arguments, environment: environment, input: [])
                    let outcome = try await run.outcome()
                    #expect(outcome.exitStatus == 0, "\(outcome.errorText)")
                    let report = try await report(of: simulator)
                    #expect(report["scheduled"] as? Int == 6)
                    #expect(report["finished"] as? Int == 6, "\(outcome.errorText)")
                    #expect(report["launched_twice"] as? Int == 0)
                    #expect(report["lost"] as? Int == 0)
                }
                let launched = bed["launched"].split(separator: "\n")
                #expect(launched.count == 6 && Set(launched).count == 6, "\(launched)")
                #expect(try engine.left() == [])
                let records = try FileManager.default.subpathsOfDirectory(atPath: bed.path("state"))
                #expect(records.filter { $0.hasSuffix(".job") } == [])
                try await wait { try bed.processes().isEmpty }
            }
        }

        private func report(of simulator: SimulatorProcess) async throws -> [String: Any] {
            let url = "\(simulator.ready.control)/report"
            let curl = try ChildProcess(
                URL(fileURLWithPath: "/usr/bin/env"), ["curl", "--silent", "--fail", "--noproxy", "*", url], input: [])
            let outcome = try await curl.outcome()
            return try #require(
                try JSONSerialization.jsonObject(with: Data(outcome.output)) as? [String: Any], "\(outcome.errorText)")
        }
    }

    extension EngineBed {
        /// The processes that were started with the bed's variables.
        func processes() throws -> [pid_t] {
            let mark = Data("BED=\(root.path)\0".utf8)
            return try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { pid_t($0) }
                .filter { process in
                    let environment = try? Data(contentsOf: URL(fileURLWithPath: "/proc/\(process)/environ"))
                    return environment?.range(of: mark) != nil
                }
        }
    }
#endif
