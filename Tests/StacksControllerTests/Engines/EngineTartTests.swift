import CommandLaunching
import Foundation
import StacksController
import Testing

#if os(Linux)
    @Suite(
        "Jobs for virtual machines of Tart, with a program that stands in for it", .serialized, .timeLimit(.minutes(5)))
    struct EngineTartTests {
        private static let image = "ghcr.io/cirruslabs/macos-tahoe-base:latest"

        private func withTart(_ body: (EngineBed) async throws -> Void) async throws {
            try await EngineBed.use(programs: ["tart": tartStandIn]) { bed in
                try FileManager.default.createDirectory(
                    atPath: bed.path("tart/vms"), withIntermediateDirectories: true)
                try bed.write("\(Self.image)\nxcode-16\n", to: "tart/images")
                try await body(bed)
            }
        }

        private func launcher(
            _ bed: EngineBed, shell: String = "/bin/sh",
            images: [String] = ["default=\(EngineTartTests.image)", "xcode=xcode-16"],
            environment: [String: String?] = [:]
        ) throws -> CommandLauncher {
            try bed.launcher("run-in-tart", [bed.path("slots")] + images, shell: shell, environment: environment)
        }

        /// That no machine is left, and none runs.
        private func expectNoMachine(_ bed: EngineBed, _ sourceLocation: SourceLocation = #_sourceLocation) throws {
            #expect(try bed.files(in: "tart/vms") == [], sourceLocation: sourceLocation)
        }

        @Test(
            "the agent gets its job by standard input in a machine of its own, and its exit status is the recipe's",
            arguments: [0, 3, 27, 28, 75, 255], ["/bin/dash", "/bin/bash"])
        func runs(status: Int, shell: String) async throws {
            try await withTart { bed in
                try bed.write("\(status)", to: "status")
                try bed.write("2", to: "tart/boots")
                let exit = try await self.launcher(bed, shell: shell).launch(EngineBed.job())
                #expect(exit.status == status, "\(bed.log(EngineBed.job()))")
                try bed.expectAgentHadAll(EngineBed.job(), and: ["MACHINE=buildkite-slot-1"])
                #expect(bed.log(EngineBed.job()) == "the agent writes\n")
                #expect(bed["calls"].contains("tart clone \(Self.image) buildkite-slot-1\n"))
                #expect(bed["calls"].hasSuffix("tart delete buildkite-slot-1\n"))
                try expectNoMachine(bed)
                #expect(try bed.files(in: "slots") == ["slot-1"])
            }
        }

        @Test(
            "cancelling stops and deletes the machine, while its agent runs and while it boots",
            arguments: [false, true])
        func cancels(boots: Bool) async throws {
            try await withTart { bed in
                if boots { try bed.write("1000000", to: "tart/boots") }
                let launcher = try self.launcher(bed)
                let exit = try await launcher.launch {
                    boots ? bed["calls"].contains("tart exec buildkite-slot-1 true") : bed.hasStarted()
                }
                #expect(exit.status == 143)
                try expectNoMachine(bed)
                #expect(try bed.files(in: "slots") == ["slot-1"])
            }
        }

        @Test("two machines run at a time, and a third job waits, or is given back when its patience ends")
        func two() async throws {
            try await withTart { bed in
                try bed.notesLocking()
                let launcher = try self.launcher(bed)
                var launches: [Task<JobExit, any Error>] = []
                for number in 1...2 {
                    launches.append(Task { try await launcher.launch(EngineBed.job(number)) })
                    try await wait { bed.hasStarted(EngineBed.job(number)) }
                }
                #expect(bed.agent(EngineBed.job(2), "env").hasSuffix("MACHINE=buildkite-slot-2\n"))
                // Of another queue, with an image of its own: the slots are the same.
                let impatient = try self.launcher(
                    bed, images: ["default=xcode-16"], environment: ["STACKS_TART_PATIENCE": "0"])
                try await bed.expectNoStart(
                    impatient, saying: "run-in-tart: all 2 slots of this Mac are taken\n", job: EngineBed.job(3))
                let waiting = Task { try await launcher.launch(EngineBed.job(4)) }
                // It has found both slots taken, and looks again.
                try await wait { bed.triesToLock(EngineBed.job(4)) > 2 }
                #expect(!bed.hasStarted(EngineBed.job(4)))
                try bed.write("0", to: "status")
                for launch in launches + [waiting] { #expect(try await launch.value.status == 0) }
                try expectNoMachine(bed)
            }
        }

        @Test("slots are locked by a perl where there is no flock, as on macOS")
        func perl() async throws {
            try await withTart { bed in
                try bed.remove(program: "flock")
                try bed.add(tool: "perl")
                let launcher = try self.launcher(
                    bed, environment: ["STACKS_TART_SLOTS": "1", "STACKS_TART_PATIENCE": "0"])
                let first = Task { try await launcher.launch(EngineBed.job(1)) }
                try await wait { bed.hasStarted(EngineBed.job(1)) }
                try await bed.expectNoStart(
                    launcher, saying: "all 1 slots of this Mac are taken", job: EngineBed.job(2))
                try bed.write("0", to: "status")
                #expect(try await first.value.status == 0)
                #expect(try await launcher.launch(EngineBed.job(3)).status == 0)
            }
        }

        @Test("machines that somebody else runs count for macOS: the job is given back, and its clone is deleted")
        func limit() async throws {
            try await withTart { bed in
                // Two of somebody's, who are this process.
                for name in ["mine", "yours"] {
                    let vm = bed.path("tart/vms/\(name)")
                    try FileManager.default.createDirectory(atPath: vm, withIntermediateDirectories: false)
                    try bed.write("\(getpid())", to: "tart/vms/\(name)/pid")
                }
                try await bed.expectNoStart(
                    try self.launcher(bed),
                    saying: "run-in-tart: the machine of \(Self.image) ended before it was up\n")
                #expect(bed.log(EngineBed.job()).contains("The number of VMs exceeds the system limit"))
                #expect(try bed.files(in: "tart/vms") == ["mine", "yours"])
            }
        }

        @Test("what a killed recipe has left is deleted by the next one in its slot, whether it still runs or not")
        func killed() async throws {
            try await withTart { bed in
                let launcher = try self.launcher(bed)
                for (number, isWholeGroup) in [(1, true), (2, false)] {
                    let launch = Task { try await launcher.launch(EngineBed.job(number)) }
                    try await wait { bed.hasStarted(EngineBed.job(number)) }
                    // `tart run` is the recipe's child, which leads the process group.
                    let machine = try #require(
                        pid_t(bed["tart/vms/buildkite-slot-1/pid"].trimmingCharacters(in: .newlines)))
                    let recipe = getpgid(machine)
                    #expect(kill(isWholeGroup ? -recipe : recipe, SIGKILL) == 0)
                    #expect(try await launch.value.status == 137)
                    #expect(try bed.files(in: "tart/vms") == ["buildkite-slot-1"])
                    if !isWholeGroup { #expect(kill(machine, 0) == 0) }
                }
                try bed.write("0", to: "status")
                #expect(try await launcher.launch(EngineBed.job(3)).status == 0)
                #expect(bed.agent(EngineBed.job(3), "env").hasSuffix("MACHINE=buildkite-slot-1\n"))
                try expectNoMachine(bed)
            }
        }

        @Test("a slot whose old machine cannot be deleted is said and left out, and the next is taken")
        func stuck() async throws {
            try await withTart { bed in
                try bed.write("0", to: "status")
                let old = "tart/vms/buildkite-slot-1"
                try FileManager.default.createDirectory(atPath: bed.path(old), withIntermediateDirectories: false)
                try bed.write(to: "\(old)/stuck")
                let launcher = try self.launcher(bed)
                #expect(try await launcher.launch(EngineBed.job()).status == 0, "\(bed.log())")
                #expect(
                    bed.log().hasPrefix(
                        "run-in-tart: the old machine buildkite-slot-1 cannot be deleted: Operation not permitted\n"))
                #expect(bed.agent(EngineBed.job(), "env").hasSuffix("MACHINE=buildkite-slot-2\n"))
                #expect(try bed.files(in: "tart/vms") == ["buildkite-slot-1"])
                // Without another one, jobs are given back.
                let single = try self.launcher(
                    bed, environment: ["STACKS_TART_SLOTS": "1", "STACKS_TART_PATIENCE": "0"])
                try await bed.expectNoStart(
                    single, saying: "all 1 slots of this Mac are taken, or hold what cannot be deleted\n",
                    job: EngineBed.job(2))
                // It is deleted once that can be done.
                try FileManager.default.removeItem(atPath: bed.path("\(old)/stuck"))
                #expect(try await launcher.launch(EngineBed.job(3)).status == 0)
                try expectNoMachine(bed)
            }
        }

        @Test("the agent's exit status is not lost with what is written last", arguments: [0, 1, 3])
        func hasty(status: Int) async throws {
            try await withTart { bed in
                try bed.write("\(status)", to: "status")
                try bed.write(to: "tart/hasty")
                #expect(try await self.launcher(bed).launch(EngineBed.job()).status == status, "\(bed.log())")
                try expectNoMachine(bed)
            }
        }

        @Test("a guest agent that takes the connection and says nothing more does not hold the job for ever")
        func hangs() async throws {
            try await withTart { bed in
                try bed.write(to: "tart/hangs")
                try await bed.expectNoStart(
                    try self.launcher(bed, environment: ["STACKS_TART_BOOT_PATIENCE": "1"]),
                    saying: "no guest agent answers in the machine of \(Self.image) after 1 s\n")
                try expectNoMachine(bed)
            }
        }

        @Test("a job whose machine ends under it is given back")
        func ended() async throws {
            try await withTart { bed in
                let launcher = try self.launcher(bed)
                let launch = Task { try await launcher.launch(EngineBed.job()) }
                try await wait { bed.hasStarted(EngineBed.job()) }
                kill(
                    try #require(pid_t(bed["tart/vms/buildkite-slot-1/pid"].trimmingCharacters(in: .newlines))), SIGTERM
                )
                #expect(try await launch.value.status == 75)
                #expect(
                    bed.log(EngineBed.job()).hasSuffix(
                        "run-in-tart: the connection to the machine of \(Self.image) was lost\n"))
                try expectNoMachine(bed)
            }
        }

        @Test("the job's rule chooses among the images that are offered")
        func images() async throws {
            try await withTart { bed in
                try bed.write("0", to: "status")
                let job = EngineBed.job(rules: ["image=xcode"])
                #expect(try await self.launcher(bed).launch(job).status == 0)
                #expect(bed["calls"].contains("tart clone xcode-16 buildkite-slot-1\n"))
            }
        }

        @Test("a rule for which no image is offered fails its job alone, whatever it is")
        func hostile() async throws {
            try await withTart { bed in
                let launcher = try self.launcher(bed)
                for (number, image) in hostileImages.enumerated() {
                    let job = EngineBed.job(number + 1, rules: ["image=\(image)"])
                    try await bed.expectNoStart(
                        launcher, status: 1, saying: "run-in-tart: no image is offered as '", job: job)
                    #expect(!bed.log(job).contains("\u{1b}"))
                }
                #expect(!bed.has("pwned"))
                #expect(!bed["calls"].contains("clone"))
            }
        }

        @Test("what is missing gives jobs back, in a sentence, and leaves no machine")
        func missing() async throws {
            try await withTart { bed in
                try await bed.expectNoStart(try bed.launcher("run-in-tart", []), saying: "usage: run-in-tart DIRECTORY")
                try await bed.expectNoStart(
                    try self.launcher(bed, images: ["xcode=xcode-16"]), saying: "no image is offered as default=IMAGE")
                try await bed.expectNoStart(
                    try self.launcher(bed, images: ["default=vanilla"]),
                    saying: "run-in-tart: this Mac has no image vanilla: tart pull it\n")
                try bed.write("1000000", to: "tart/boots")
                try await bed.expectNoStart(
                    try self.launcher(bed, environment: ["STACKS_TART_BOOT_PATIENCE": "0"]),
                    saying: "no guest agent answers in the machine of \(Self.image) after 0 s")
                try bed.write("", to: "tart/full")
                try await bed.expectNoStart(try self.launcher(bed), saying: "\(Self.image) cannot be cloned")
                try bed.write("", to: "tart/old")
                try await bed.expectNoStart(try self.launcher(bed), saying: "it takes version 2.27.0")
                try bed.remove(program: "tart")
                try await bed.expectNoStart(try self.launcher(bed), saying: "there is no tart on the PATH")
                try expectNoMachine(bed)
            }
        }

        @Test("a slot whose file cannot be written to is said and left out, and the next is taken")
        func unwritable() async throws {
            try await withTart { bed in
                try bed.write("0", to: "status")
                try FileManager.default.createDirectory(
                    atPath: bed.path("slots/slot-1"), withIntermediateDirectories: true)
                #expect(try await self.launcher(bed).launch(EngineBed.job()).status == 0, "\(bed.log())")
                let words =
                    "run-in-tart: \(bed.path("slots/slot-1")) is no file that can be written to, and is left out\n"
                #expect(bed.log().hasPrefix(words))
                #expect(bed.agent(EngineBed.job(), "env").hasSuffix("MACHINE=buildkite-slot-2\n"))
                let single = try self.launcher(
                    bed, environment: ["STACKS_TART_SLOTS": "1", "STACKS_TART_PATIENCE": "1"])
                try await bed.expectNoStart(
                    single, saying: "all 1 slots of this Mac are taken\n", job: EngineBed.job(2))
                // Once, however often it is looked at.
                #expect(bed.log(EngineBed.job(2)).components(separatedBy: words).count == 2)
                try expectNoMachine(bed)
            }
        }

        @Test("an image without an agent gives jobs back", arguments: [false, true])
        func noAgent(isHasty: Bool) async throws {
            try await withTart { bed in
                if isHasty { try bed.write(to: "tart/hasty") }
                try bed.remove(program: "buildkite-agent")
                try await bed.expectNoStart(
                    try self.launcher(bed),
                    saying: "there is no buildkite-agent on the PATH of the machine of \(Self.image)\n")
                try expectNoMachine(bed)
            }
        }
    }
#endif
