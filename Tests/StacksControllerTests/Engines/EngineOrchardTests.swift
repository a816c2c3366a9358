import CommandLaunching
import Foundation
import StacksController
import TestServers
import Testing

#if os(Linux)
    @Suite(
        "Jobs for virtual machines of Orchard, with a server and a program that stand in for it", .serialized,
        .timeLimit(.minutes(5)))
    struct EngineOrchardTests {
        private static let image = "ghcr.io/cirruslabs/macos-tahoe-base:latest"
        private static let vm = "buildkite-\(MachineBed.job().id)"

        private struct Orchard {
            let bed: MachineBed
            let controller: OrchardStandIn
            let url: String

            func launcher(
                shell: String = "/bin/sh",
                images: [String] = ["default=\(EngineOrchardTests.image)", "xcode=xcode-16"],
                environment: [String: String?] = [:]
            ) throws -> CommandLauncher {
                let account = OrchardStandIn.account.split(separator: ":").map(String.init)
                let own: [String: String?] = [
                    "ORCHARD_URL": url + "/", "ORCHARD_SERVICE_ACCOUNT_NAME": account[0],
                    "ORCHARD_SERVICE_ACCOUNT_TOKEN": account[1], "ACCOUNT": OrchardStandIn.account,
                    "STACKS_ORCHARD_INTERVAL": "1",
                ]
                return try bed.launcher(
                    "run-in-orchard", [bed.path("slots")] + images, shell: shell,
                    environment: own.merging(environment) { $1 })
            }

            /// That no machine and no file is left, and nothing was asked for that the description does not have.
            func expectNothingLeft(_ sourceLocation: SourceLocation = #_sourceLocation) throws {
                #expect(controller.images.isEmpty, sourceLocation: sourceLocation)
                #expect(controller.refused == [], sourceLocation: sourceLocation)
                #expect(try bed.files(in: "slots") == [], sourceLocation: sourceLocation)
            }
        }

        private func withOrchard(
            _ fate: OrchardStandIn.Fate = .runs(afterLooks: 0), _ body: (Orchard) async throws -> Void
        ) async throws {
            try await MachineBed.use(programs: ["orchard": orchardStandIn]) { bed in
                let controller = OrchardStandIn(bed: bed, fate: fate)
                let server = try LoopbackServer { request, _ in controller.reply(to: request) }
                defer { server.stop() }
                try await body(Orchard(bed: bed, controller: controller, url: server.origin))
            }
        }

        @Test(
            "the agent gets its job by standard input in a machine of its own, and its exit status is the recipe's",
            arguments: [0, 3, 27, 28, 75, 255], ["/bin/dash", "/bin/bash"])
        func runs(status: Int, shell: String) async throws {
            try await withOrchard { orchard in
                let bed = orchard.bed
                try bed.write("\(status)", to: "status")
                let exit = try await orchard.launcher(shell: shell).launch(MachineBed.job())
                #expect(exit.status == status, "\(bed.log(MachineBed.job()))")
                try bed.expectAgentHadAll(MachineBed.job(), and: ["MACHINE=\(Self.vm)"])
                #expect(bed.log(MachineBed.job()) == "the agent writes\n")
                #expect(!bed["calls"].contains("orchard-secret"))
                #expect(orchard.controller.deleted == [Self.vm])
                try orchard.expectNothingLeft()
            }
        }

        @Test("a job waits until its machine is placed, and until that can be reached")
        func waits() async throws {
            try await withOrchard(.runs(afterLooks: 2)) { orchard in
                try orchard.bed.write("0", to: "status")
                try orchard.bed.write("1", to: "unreachable")
                #expect(try await orchard.launcher().launch(MachineBed.job()).status == 0)
                try orchard.expectNothingLeft()
            }
        }

        @Test("requests that get no response are repeated; one that creates a machine is not, and leaves none")
        func unanswered() async throws {
            try await withOrchard(.runs(afterLooks: 1)) { orchard in
                orchard.controller.hangUp(1)
                try await orchard.bed.expectNoStart(
                    try orchard.launcher(), saying: "run-in-orchard: Orchard's controller does not answer\n")
                try orchard.expectNothingLeft()
                try orchard.bed.write("0", to: "status")
                let launch = Task { try await orchard.launcher().launch(MachineBed.job()) }
                try await wait { !orchard.controller.images.isEmpty }
                orchard.controller.hangUp(2)
                #expect(try await launch.value.status == 0)
                try orchard.expectNothingLeft()
            }
        }

        @Test(
            "cancelling deletes the machine, while its agent runs and while it waits for a place",
            arguments: [false, true])
        func cancels(isPending: Bool) async throws {
            try await withOrchard(.runs(afterLooks: isPending ? .max : 0)) { orchard in
                let launcher = try orchard.launcher()
                let launch = Task { try await launcher.launch(MachineBed.job()) }
                try await wait {
                    isPending ? !orchard.controller.images.isEmpty : orchard.bed.hasStarted(MachineBed.job())
                }
                launch.cancel()
                #expect(try await launch.value.status == 143)
                #expect(orchard.controller.deleted == [Self.vm])
                try orchard.expectNothingLeft()
            }
        }

        @Test("a job whose worker is lost is given back, even if its connection never ends by itself")
        func lostWorker() async throws {
            try await withOrchard { orchard in
                try orchard.bed.write("", to: "deaf")
                let launcher = try orchard.launcher()
                let launch = Task { try await launcher.launch(MachineBed.job()) }
                try await wait { orchard.bed.hasStarted(MachineBed.job()) }
                orchard.controller.lose(Self.vm)
                #expect(try await launch.value.status == 75)
                let log = orchard.bed.log(MachineBed.job())
                #expect(
                    log.contains("has failed: VM is assigned to a worker that lost connection with the controller\n"))
                #expect(log.hasSuffix("run-in-orchard: the connection to the machine \(Self.vm) was lost\n"))
                try orchard.expectNothingLeft()
            }
        }

        @Test("a machine that fails, is deleted, or is not placed in time gives its job back")
        func neverRuns() async throws {
            let failure = "failed to pull the VM: \u{1b}[2J no such image"
            try await withOrchard(.fails(failure.replacingOccurrences(of: "\u{1b}", with: #"\u001b"#))) { orchard in
                try await orchard.bed.expectNoStart(
                    try orchard.launcher(), saying: "the machine \(Self.vm) has failed: failed to pull the VM: ")
                try orchard.expectNothingLeft()
            }
            try await withOrchard(.isDeleted) { orchard in
                try await orchard.bed.expectNoStart(
                    try orchard.launcher(), saying: "somebody has deleted the machine \(Self.vm)\n")
                try orchard.expectNothingLeft()
            }
            try await withOrchard(.runs(afterLooks: .max)) { orchard in
                try await orchard.bed.expectNoStart(
                    try orchard.launcher(environment: ["STACKS_ORCHARD_PATIENCE": "0"]),
                    saying: "the machine \(Self.vm) does not run after 0 s: it is pending\n")
                try orchard.expectNothingLeft()
            }
        }

        @Test("the next recipe deletes the machine of one that was killed, and none that somebody's recipe has")
        func killed() async throws {
            try await withOrchard { orchard in
                let launcher = try orchard.launcher()
                var launches: [Task<JobExit, any Error>] = []
                for number in 1...2 {
                    launches.append(Task { try await launcher.launch(MachineBed.job(number)) })
                    try await wait { orchard.bed.hasStarted(MachineBed.job(number)) }
                }
                let shell = try #require(try killRecipe(of: MachineBed.job(1), in: orchard.bed))
                #expect(shell > 1)
                #expect(try await launches[0].value.status == 137)
                #expect(orchard.controller.images.count == 2)
                let third = Task { try await launcher.launch(MachineBed.job(3)) }
                try await wait { orchard.bed.hasStarted(MachineBed.job(3)) }
                #expect(orchard.controller.deleted == [Self.vm])
                try orchard.bed.write("0", to: "status")
                #expect(try await launches[1].value.status == 0)
                #expect(try await third.value.status == 0)
                try orchard.expectNothingLeft()
            }
        }

        /// Kills the process group of a job's recipe, and returns its number.
        private func killRecipe(of job: LaunchedJob, in bed: MachineBed) throws -> pid_t? {
            for process in try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap({ pid_t($0) }) {
                let environment = (try? Data(contentsOf: URL(fileURLWithPath: "/proc/\(process)/environ"))) ?? Data()
                let command = (try? Data(contentsOf: URL(fileURLWithPath: "/proc/\(process)/cmdline"))) ?? Data()
                guard String(decoding: command, as: UTF8.self).contains("/run-in-orchard\0"),
                    String(decoding: environment, as: UTF8.self).contains("BUILDKITE_AGENT_ACQUIRE_JOB=\(job.id)\0"),
                    String(decoding: environment, as: UTF8.self).contains("BED=\(bed.root.path)\0")
                else { continue }
                let group = getpgid(process)
                kill(-group, SIGKILL)
                return group
            }
            return nil
        }

        @Test("a machine of that name that was not created from here is left alone")
        func foreign() async throws {
            try await withOrchard { orchard in
                orchard.controller.add(Self.vm)
                try await orchard.bed.expectNoStart(
                    try orchard.launcher(), saying: "Orchard has a machine \(Self.vm) that was not created from here")
                #expect(orchard.controller.images == [Self.vm: "old"])
                #expect(try orchard.bed.files(in: "slots") == [])
            }
        }

        @Test("the job's rule chooses among the images that are offered")
        func images() async throws {
            try await withOrchard { orchard in
                let job = MachineBed.job(rules: ["image=xcode"])
                let launcher = try orchard.launcher()
                let launch = Task { try await launcher.launch(job) }
                try await wait { orchard.bed.hasStarted(job) }
                #expect(orchard.controller.images == [Self.vm: "xcode-16"])
                try orchard.bed.write("0", to: "status")
                #expect(try await launch.value.status == 0)
            }
        }

        @Test("a rule for which no image is offered fails its job alone, whatever it is")
        func hostile() async throws {
            try await withOrchard { orchard in
                let launcher = try orchard.launcher()
                for (number, image) in hostileImages.enumerated() {
                    let job = MachineBed.job(number + 1, rules: ["image=\(image)"])
                    try await orchard.bed.expectNoStart(
                        launcher, status: 1, saying: "run-in-orchard: no image is offered as '", job: job)
                }
                #expect(!orchard.bed.has("pwned"))
                try orchard.expectNothingLeft()
            }
        }

        @Test("what is missing gives jobs back, in a sentence, and leaves no machine")
        func missing() async throws {
            try await withOrchard { orchard in
                let bed = orchard.bed
                try await bed.expectNoStart(try bed.launcher("run-in-orchard", []), saying: "usage: run-in-orchard")
                try await bed.expectNoStart(
                    try orchard.launcher(environment: ["ORCHARD_URL": "orchard.example.com"]),
                    saying: "ORCHARD_URL is not set to the URL")
                try await bed.expectNoStart(
                    try orchard.launcher(environment: ["ORCHARD_SERVICE_ACCOUNT_TOKEN": "a\"\nurl = \"file:///x"]),
                    saying: "have no quotation marks")
                try await bed.expectNoStart(
                    try orchard.launcher(environment: ["ORCHARD_SERVICE_ACCOUNT_TOKEN": "old"]),
                    saying: "Orchard does not let this account create a machine of \(Self.image) (HTTP 401)")
                try await bed.expectNoStart(
                    try orchard.launcher(environment: ["ORCHARD_URL": "http://127.0.0.1:1"]),
                    saying: "run-in-orchard: Orchard's controller does not answer\n")
                // Nobody knows whether that one has created a machine; the next recipe asks.
                #expect(try bed.files(in: "slots") == [Self.vm])
                try bed.write("1000000", to: "unreachable")
                try await bed.expectNoStart(
                    try orchard.launcher(environment: ["STACKS_ORCHARD_BOOT_PATIENCE": "0"]),
                    saying: "the machine of \(Self.image) cannot be reached by ssh after 0 s\n")
                try bed.write("0", to: "unreachable")
                try FileManager.default.removeItem(atPath: bed.path("bin/buildkite-agent"))
                try await bed.expectNoStart(
                    try orchard.launcher(),
                    saying: "there is no buildkite-agent on the PATH of the machine \(Self.vm)\n")
                try FileManager.default.removeItem(atPath: bed.path("bin/orchard"))
                try await bed.expectNoStart(try orchard.launcher(), saying: "there is no orchard on the PATH")
                try orchard.expectNothingLeft()
            }
        }
    }
#endif
