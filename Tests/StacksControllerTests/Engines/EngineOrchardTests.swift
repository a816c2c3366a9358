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
        private static let image = OrchardBed.image
        private static let vm = OrchardBed.vm

        @Test(
            "the agent gets its job by standard input in a machine of its own, and its exit status is the recipe's",
            arguments: [0, 3, 27, 28, 75, 255], ["/bin/dash", "/bin/bash"])
        func runs(status: Int, shell: String) async throws {
            try await OrchardBed.use { orchard in
                let bed = orchard.bed
                try bed.write("\(status)", to: "status")
                let exit = try await orchard.launcher(shell: shell).launch(EngineBed.job())
                #expect(exit.status == status, "\(bed.log(EngineBed.job()))")
                try bed.expectAgentHadAll(EngineBed.job(), and: ["MACHINE=\(Self.vm)"])
                #expect(bed.log(EngineBed.job()) == "the agent writes\n")
                #expect(!bed["calls"].contains("orchard-secret"))
                #expect(orchard.controller.deleted == [Self.vm])
                try orchard.expectNothingLeft()
            }
        }

        @Test("a job waits until its machine is placed, and until that can be reached")
        func waits() async throws {
            try await OrchardBed.use(.runs(afterLooks: 2)) { orchard in
                try orchard.bed.write("0", to: "status")
                try orchard.bed.write("1", to: "unreachable")
                #expect(try await orchard.launcher().launch(EngineBed.job()).status == 0)
                try orchard.expectNothingLeft()
            }
        }

        @Test("requests that get no response are repeated; one that creates a machine is not, and leaves none")
        func unanswered() async throws {
            try await OrchardBed.use(.runs(afterLooks: 1)) { orchard in
                orchard.controller.hangUp(1)
                try await orchard.bed.expectNoStart(
                    try orchard.launcher(), saying: "run-in-orchard: Orchard's controller does not answer\n")
                try orchard.expectNothingLeft()
                try orchard.bed.write("0", to: "status")
                let launch = Task { try await orchard.launcher().launch(EngineBed.job()) }
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
            try await OrchardBed.use(.runs(afterLooks: isPending ? .max : 0)) { orchard in
                let launcher = try orchard.launcher()
                let exit = try await launcher.launch {
                    isPending ? !orchard.controller.images.isEmpty : orchard.bed.hasStarted()
                }
                #expect(exit.status == 143)
                #expect(orchard.controller.deleted == [Self.vm])
                try orchard.expectNothingLeft()
            }
        }

        @Test("a job whose worker is lost is given back, even if its connection never ends by itself")
        func lostWorker() async throws {
            try await OrchardBed.use { orchard in
                try orchard.bed.write("", to: "deaf")
                let launcher = try orchard.launcher()
                let launch = Task { try await launcher.launch(EngineBed.job()) }
                try await wait { orchard.bed.hasStarted(EngineBed.job()) }
                orchard.controller.lose(Self.vm)
                #expect(try await launch.value.status == 75)
                let log = orchard.bed.log(EngineBed.job())
                #expect(
                    log.contains("has failed: VM is assigned to a worker that lost connection with the controller\n"))
                #expect(log.contains("run-in-orchard: the connection to the machine \(Self.vm) was lost\n"))
                try orchard.expectNothingLeft()
            }
        }

        @Test("a machine that fails, is deleted, or is not placed in time gives its job back")
        func neverRuns() async throws {
            let failure = "failed to pull the VM: \u{1b}[2J no such image"
            try await OrchardBed.use(.fails(failure.replacingOccurrences(of: "\u{1b}", with: #"\u001b"#))) { orchard in
                try await orchard.bed.expectNoStart(
                    try orchard.launcher(), saying: "the machine \(Self.vm) has failed: failed to pull the VM: ")
                try orchard.expectNothingLeft()
            }
            try await OrchardBed.use(.isDeleted) { orchard in
                try await orchard.bed.expectNoStart(
                    try orchard.launcher(), saying: "somebody has deleted the machine \(Self.vm)\n")
                try orchard.expectNothingLeft()
            }
            try await OrchardBed.use(.runs(afterLooks: .max)) { orchard in
                try await orchard.bed.expectNoStart(
                    try orchard.launcher(environment: ["STACKS_ORCHARD_PATIENCE": "0"]),
                    saying: "the machine \(Self.vm) does not run after 0 s: it is pending\n")
                try orchard.expectNothingLeft()
            }
        }

        @Test("a machine that never lets anybody in gives its job back in time, even if a connection to it hangs")
        func hangs() async throws {
            try await OrchardBed.use { orchard in
                try orchard.bed.write(to: "hangs")
                try await orchard.bed.expectNoStart(
                    try orchard.launcher(environment: ["STACKS_ORCHARD_BOOT_PATIENCE": "1"]),
                    saying: "the machine of \(Self.image) cannot be reached by ssh after 1 s\n")
                try orchard.expectNothingLeft()
            }
        }

        @Test("the job's rule chooses among the images that are offered")
        func images() async throws {
            try await OrchardBed.use { orchard in
                let job = EngineBed.job(rules: ["image=xcode"])
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
            try await OrchardBed.use { orchard in
                let launcher = try orchard.launcher()
                for (number, image) in hostileImages.enumerated() {
                    let job = EngineBed.job(number + 1, rules: ["image=\(image)"])
                    try await orchard.bed.expectNoStart(
                        launcher, status: 1, saying: "run-in-orchard: no image is offered as '", job: job)
                }
                #expect(!orchard.bed.has("pwned"))
                try orchard.expectNothingLeft()
            }
        }

        @Test("what is missing gives jobs back, in a sentence, and leaves no machine")
        func missing() async throws {
            try await OrchardBed.use { orchard in
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
                try bed.remove(program: "buildkite-agent")
                try await bed.expectNoStart(
                    try orchard.launcher(),
                    saying: "there is no buildkite-agent on the PATH of the machine \(Self.vm)\n")
                try bed.remove(program: "orchard")
                try await bed.expectNoStart(try orchard.launcher(), saying: "there is no orchard on the PATH")
                try orchard.expectNothingLeft()
            }
        }
    }
#endif
