import CommandLaunching
import Foundation
import StacksController
import TestServers
import Testing

#if os(Linux)
    @Suite(
        "Machines of Orchard that are left, or may be, with a server and a program that stand in for it", .serialized,
        .timeLimit(.minutes(5)))
    struct EngineOrchardLeftoverTests {
        private static let image = OrchardBed.image
        private static let vm = OrchardBed.vm

        @Test("the next recipe deletes the machine of one that was killed, and none that somebody's recipe has")
        func killed() async throws {
            try await OrchardBed.use { orchard in
                let launcher = try orchard.launcher()
                var launches: [Task<JobExit, any Error>] = []
                for number in 1...2 {
                    launches.append(Task { try await launcher.launch(EngineBed.job(number)) })
                    try await wait { orchard.bed.hasStarted(EngineBed.job(number)) }
                }
                let shell = try #require(try killRecipe(of: EngineBed.job(1), in: orchard.bed))
                #expect(shell > 1)
                #expect(try await launches[0].value.status == 137)
                #expect(orchard.controller.images.count == 2)
                let third = Task { try await launcher.launch(EngineBed.job(3)) }
                try await wait { orchard.bed.hasStarted(EngineBed.job(3)) }
                #expect(orchard.controller.deleted == [Self.vm])
                try orchard.bed.write("0", to: "status")
                #expect(try await launches[1].value.status == 0)
                #expect(try await third.value.status == 0)
                try orchard.expectNothingLeft()
            }
        }

        /// Kills the process group of a job's recipe, and returns its number.
        private func killRecipe(of job: LaunchedJob, in bed: EngineBed) throws -> pid_t? {
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

        /// The job's machine is left and cannot be deleted; agents end with 0.
        private func leaveStuckMachine(in orchard: OrchardBed) throws {
            let bed = orchard.bed
            orchard.controller.add(Self.vm, .isStuck)
            try FileManager.default.createDirectory(atPath: bed.path("slots"), withIntermediateDirectories: false)
            try bed.write(to: "slots/\(Self.vm)")
            try bed.write("0", to: "status")
        }

        @Test("a machine that is left and cannot be deleted is said, and keeps no other job from its own")
        func stuck() async throws {
            try await OrchardBed.use { orchard in
                let bed = orchard.bed
                try leaveStuckMachine(in: orchard)
                let words =
                    "run-in-orchard: the machine \(Self.vm), which is left, cannot be deleted (HTTP 500): no disk\n"
                #expect(try await orchard.launcher().launch(EngineBed.job(2)).status == 0, "\(bed.log())")
                #expect(bed.log(EngineBed.job(2)).hasPrefix(words))
                // Its own job is given back, and it is still known to be left.
                try await bed.expectNoStart(
                    try orchard.launcher(), status: 28,
                    saying:
                        "run-in-orchard: the old machine \(Self.vm) of the job cannot be deleted (HTTP 500): no disk\n")
                #expect(try bed.files(in: "slots") == [Self.vm])
                orchard.controller.free(Self.vm)
                #expect(try await orchard.launcher().launch(EngineBed.job(3)).status == 0)
                try orchard.expectNothingLeft()
            }
        }

        @Test("a machine that another recipe fails to delete while its own job starts is not forgotten")
        func two() async throws {
            try await OrchardBed.use { orchard in
                let bed = orchard.bed
                try leaveStuckMachine(in: orchard)
                try bed.write(to: "slow delete")
                try bed.notesLocking()
                let launcher = try orchard.launcher()
                let other = Task { try await launcher.launch(EngineBed.job(2)) }
                try await wait { bed.has("deletes") }
                // The other one has the file that was left; the job's own tries to.
                let own = Task { try await launcher.launch(EngineBed.job()) }
                try await wait { bed.triesToLock(EngineBed.job()) > 0 }
                try bed.write(to: "go")
                #expect(try await other.value.status == 0, "\(bed.log(EngineBed.job(2)))")
                #expect(try await own.value.status == 28, "\(bed.log())")
                #expect(try bed.files(in: "slots") == [Self.vm])
                orchard.controller.free(Self.vm)
                #expect(try await orchard.launcher().launch(EngineBed.job()).status == 0, "\(bed.log())")
                #expect(orchard.controller.deleted.filter { $0 == Self.vm }.count == 2)
                try orchard.expectNothingLeft()
            }
        }

        @Test("a machine that is left and whose deletion gets no response keeps no other job from its own")
        func silent() async throws {
            try await OrchardBed.use { orchard in
                orchard.controller.add(Self.vm, .isSilent)
                let slots = orchard.bed.path("slots")
                // What is no file is left out too.
                try FileManager.default.createDirectory(
                    atPath: "\(slots)/buildkite-0", withIntermediateDirectories: true)
                try orchard.bed.write(to: "slots/\(Self.vm)")
                try orchard.bed.write("0", to: "status")
                #expect(try await orchard.launcher().launch(EngineBed.job(2)).status == 0)
                let log = orchard.bed.log(EngineBed.job(2))
                #expect(log.contains("run-in-orchard: \(slots)/buildkite-0 is no file that can be written to"))
                #expect(log.contains("the machine \(Self.vm), which is left, cannot be deleted (HTTP 000)"))
                #expect(try orchard.bed.files(in: "slots") == ["buildkite-0", Self.vm])
                // In the way of its own job it gives that one back alone.
                let third = "\(slots)/buildkite-\(EngineBed.job(3).id)"
                try FileManager.default.createDirectory(atPath: third, withIntermediateDirectories: false)
                try await orchard.bed.expectNoStart(
                    try orchard.launcher(), status: 28,
                    saying: "run-in-orchard: \(third) is in the way of the job's machine\n",
                    job: EngineBed.job(3))
            }
        }

        @Test("a controller that fails after it has created a machine leaves none")
        func failsCreation() async throws {
            try await OrchardBed.use { orchard in
                orchard.controller.failCreations()
                try await orchard.bed.expectNoStart(
                    try orchard.launcher(), saying: "Orchard does not create a machine of \(Self.image) (HTTP 502)")
                #expect(orchard.controller.deleted == [Self.vm])
                try orchard.expectNothingLeft()
            }
        }

        @Test("a machine of that name that was not created from here is left alone, and its job alone given back")
        func foreign() async throws {
            try await OrchardBed.use { orchard in
                orchard.controller.add(Self.vm)
                try await orchard.bed.expectNoStart(
                    try orchard.launcher(), status: 28,
                    saying: "delete it by 'orchard delete vm \(Self.vm)'\n")
                #expect(orchard.controller.images == [Self.vm: "old"])
                #expect(try orchard.bed.files(in: "slots") == [])
            }
        }
    }
#endif
