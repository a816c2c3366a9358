import Foundation
import StacksAPI
import StacksController
import StacksTransport
import Testing

@testable import CommandLaunching

/// A launcher, the process that it lives in, and what of both a state directory outlives.
@Suite("Commands that outlive their controller", .serialized, .timeLimit(.minutes(5)))
struct CommandRecoveryTests {
    private static let job = JobID("01989c5e-0000-7000-8000-00000000000a")

    /// A directory for the state, and beside it what the commands and the test tell each other.
    private struct Place: Codable, Sendable {
        var root: String
        var state: String { "\(root)/state" }
        var log: String { "\(root)/\(job).log" }

        func launcher(_ script: String, gracePeriod: Duration = .seconds(3600)) throws -> CommandLauncher {
            var configuration = CommandLauncher.Configuration()
            configuration.stateDirectory = state
            configuration.output = .files(directory: root)
            configuration.gracePeriod = gracePeriod
            return try CommandLauncher(command: ["sh", "-c", script, "sh", root], configuration: configuration)
        }

        func launch(_ script: String) async throws -> JobExit {
            try await launcher(script).launch(
                LaunchedJob(scheduled: ScheduledJob(id: job), acquisitionToken: Secret("bkjat_secret")))
        }

        func contents(of path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }

        /// Waits until the command has written `text`.
        func wait(for text: String) async throws {
            while !contents(of: log).contains(text) { try await Task.sleep(for: .milliseconds(1)) }
        }

        /// Kills the shell beside the only command.
        func killShell() throws {
            let record = ProcessRecord(parsing: contents(of: "\(state)/\(job).job"))
            kill(try #require(record.process), SIGKILL)
        }

        func write(_ name: String) throws { try Data().write(to: URL(filePath: "\(root)/\(name)")) }

        /// The files of jobs, whatever they are for.
        func records() throws -> [String] {
            try FileManager.default.contentsOfDirectory(atPath: state).filter { $0 != "lock" }
        }
    }

    private func withPlace(_ body: (Place) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "recovery-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try await body(Place(root: directory.path))
    }

    /// Launches the script in a process of its own, and kills that process once the script has written "ready".
    private func killController(of script: String, in place: Place) async {
        await #expect(processExitsWith: .signal(SIGKILL)) { [place = place as Place, script = script as String] in
            async let launch = place.launch(script)
            try await place.wait(for: "ready")
            kill(getpid(), SIGKILL)
            _ = try await launch
        }
    }

    /// Waits for a file that the test makes.
    private static func waiting(for name: String) -> String {
        "until [ -e \"$1/\(name)\" ] || ! [ -d \"$1\" ]; do sleep 0.01; done"
    }

    @Test("one that still runs is found, and its exit status is told when it ends")
    func found() async throws {
        try await withPlace { place in
            let script = "echo ready; \(Self.waiting(for: "go")); exit 7"
            await killController(of: script, in: place)
            let launcher = try place.launcher(script)
            #expect(try await launcher.recover() == [Self.job])
            async let exit = launcher.follow(Self.job)
            try place.write("go")
            #expect(try await exit == JobExit(status: 7))
            #expect(try place.records() == [])
            #expect(place.contents(of: place.log) == "ready\n")
            #expect(try await launcher.recover() == [])
        }
    }

    @Test("cancelling reaches it and what it started: SIGTERM first")
    func cancelled() async throws {
        try await withPlace { place in
            let script = """
                (trap 'echo child-stopped; exit 0' TERM; echo child; while [ -d \"$1\" ]; do sleep 0.01; done) &
                trap 'wait; echo stopped; exit 5' TERM
                while ! grep -q child "$1"/*.log; do sleep 0.01; done
                echo ready; wait
                """
            await killController(of: script, in: place)
            let launcher = try place.launcher(script)
            #expect(try await launcher.recover() == [Self.job])
            let follow = Task { try await launcher.follow(Self.job) }
            follow.cancel()
            #expect(try await follow.value == JobExit(status: 5))
            #expect(place.contents(of: place.log).contains("child-stopped\nstopped\n"))
            #expect(try place.records() == [])
        }
    }

    @Test("one whose shell was killed is waited for all the same: no status is known, and no second one is started")
    func orphaned() async throws {
        try await withPlace { place in
            let script = "echo ready; \(Self.waiting(for: "go")); echo ended; exit 7"
            await killController(of: script, in: place)
            try place.killShell()
            let launcher = try place.launcher(script)
            #expect(try await launcher.recover() == [Self.job])
            let follow = Task { try await launcher.follow(Self.job) }
            try place.write("go")
            await #expect(throws: CommandLaunchError.self) { try await follow.value }
            #expect(place.contents(of: place.log).contains("ended"))
            #expect(try place.records() == [])
        }
    }

    @Test("a command whose shell is killed is stopped before its job is settled, and not left behind")
    func killedShell() async throws {
        try await withPlace { place in
            let script = """
                trap 'echo stopped; exit 5' TERM; echo ready; while [ -d "$1" ]; do sleep 0.01; done
                """
            async let launch = place.launch(script)
            try await place.wait(for: "ready")
            try place.killShell()
            #expect(try await launch.status == 128 + SIGKILL)
            #expect(place.contents(of: place.log).contains("stopped"))
            #expect(try place.records() == [])
        }
    }

    @Test("one that does not listen to SIGTERM is killed after the grace period")
    func killed() async throws {
        try await withPlace { place in
            let script = "trap '' TERM; echo $$ ready; while [ -d \"$1\" ]; do sleep 0.01; done"
            await killController(of: script, in: place)
            let launcher = try place.launcher(script, gracePeriod: .milliseconds(100))
            #expect(try await launcher.recover() == [Self.job])
            let follow = Task { try await launcher.follow(Self.job) }
            follow.cancel()
            await #expect(throws: CommandLaunchError.self) { try await follow.value }
            let process = try #require(pid_t(place.contents(of: place.log).prefix { $0 != " " }))
            try await wait { !Self.runs(process) }
        }
    }

    /// Whether the process is there, and no mere entry that the system's first process has yet to clear away.
    private static func runs(_ process: pid_t) -> Bool {
        guard kill(process, 0) == 0 else { return false }
        let status = (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)) ?? ""
        return !status.contains(") Z")
    }

    @Test("one that ended while no controller ran is found with its exit status")
    func endedMeanwhile() async throws {
        try await withPlace { place in
            await killController(of: "echo ready; \(Self.waiting(for: "go")); exit 28", in: place)
            try place.write("go")
            try await wait { place.contents(of: "\(place.state)/\(Self.job).job").contains("exit") }
            let launcher = try place.launcher("true")
            #expect(try await launcher.recover() == [Self.job])
            #expect(try await launcher.follow(Self.job) == .locked)
            #expect(try place.records() == [])
        }
    }

    @Test("one that was killed with all that was around it is said to have ended, no one knows how")
    func vanished() async throws {
        try await withPlace { place in
            await killController(of: "echo ready; while [ -d \"$1\" ]; do sleep 0.01; done", in: place)
            let record = place.contents(of: "\(place.state)/\(Self.job).job")
            let group = try #require(
                record.split(separator: "\n").first { $0.hasPrefix("process ") }.flatMap {
                    pid_t($0.split(separator: " ")[1])
                })
            kill(-group, SIGKILL)
            let launcher = try place.launcher("true")
            #expect(try await launcher.recover() == [Self.job])
            let error = await #expect(throws: CommandLaunchError.self) { try await launcher.follow(Self.job) }
            #expect(error?.description.contains("no exit status") == true)
            #expect(try place.records() == [])
        }
    }

    @Test("what was begun and not finished when the controller died is cleared away, and nothing found for it")
    func leftovers() async throws {
        try await withPlace { place in
            try FileManager.default.createDirectory(atPath: place.state, withIntermediateDirectories: false)
            try place.write("state/a.new")
            try place.write("state/b.job")
            #expect(try await place.launcher("true").recover() == [])
            #expect(try place.records() == [])
        }
    }

    @Test("a second launcher is refused the directory, and told whose it is, for as long as the first is there")
    func locked() async throws {
        try await withPlace { place in
            do {
                let first = try place.launcher("true")
                let error = #expect(throws: ConfigurationError.self) { try place.launcher("true") }
                #expect(error?.message.contains("used by another controller (process \(getpid()))") == true)
                _ = try await first.recover()
            }
            _ = try place.launcher("true")
        }
    }

    @Test("a directory that cannot be one is refused", arguments: ["/no/such/place", "/dev/null"])
    func unusable(path: String) {
        var configuration = CommandLauncher.Configuration()
        configuration.stateDirectory = path
        let error = #expect(throws: ConfigurationError.self) {
            try CommandLauncher(command: ["true"], configuration: configuration)
        }
        #expect(error?.message.contains(path) == true)
    }

    @Test("while a command runs, the directory holds its job and its process, readable for their owner, and no secret")
    func contents() async throws {
        try await withPlace { place in
            let script = "echo $PPID ready; \(Self.waiting(for: "go"))"
            async let exit = place.launch(script)
            try await place.wait(for: "ready")
            let process = place.contents(of: place.log).prefix { $0 != " " }
            let path = "\(place.state)/\(Self.job).job"
            let number = try #require(pid_t(process))
            let start = try #require(ProcessStart(of: number))
            let beginning = "job \(Self.job)\n" + (BootID.current.map { "boot \($0)\n" } ?? "")
            let expected = [
                beginning + "process \(process) \(start.description)\n",
                beginning + "process \(process) \nstarted \(start.description)\n",
            ]
            #expect(expected.contains(place.contents(of: path)))
            for (path, permissions) in [(path, 0o600), (place.state, 0o700)] {
                let attributes = try FileManager.default.attributesOfItem(atPath: path)
                #expect(attributes[.posixPermissions] as? Int == permissions)
            }
            try place.write("go")
            #expect(try await exit == .success)
            #expect(try place.records() == [])
        }
    }

    @Test("the exit status of the command is the job's", arguments: [0, 1, 27, 28, 75, 255] as [Int])
    func status(status: Int) async throws {
        try await withPlace { place in
            let exit = try await place.launch("exit \(status)")
            #expect(exit == JobExit(status: status))
        }
    }

    @Test("the command has an empty standard input, its own signals, and nothing of the record")
    func surroundings() async throws {
        try await withPlace { place in
            let script = """
                cat; echo "to the record" 2>/dev/null >&9 || echo closed
                trap 'echo stopped; exit 3' INT; kill -INT $$
                """
            let exit = try await place.launch(script)
            #expect(exit == JobExit(status: 3))
            #expect(place.contents(of: place.log).hasSuffix("closed\nstopped\n"))
        }
    }

    @Test("a command that is gone later makes the launcher unusable, and leaves no file")
    func gone() async throws {
        try await withPlace { place in
            let path = "\(place.root)/agent"
            try Data("#!/bin/sh\n".utf8).write(to: URL(filePath: path))
            chmod(path, 0o700)
            var configuration = CommandLauncher.Configuration()
            configuration.stateDirectory = place.state
            let launcher = try CommandLauncher(command: [path, "--secret=hunter2"], configuration: configuration)
            unlink(path)
            let error = await #expect(throws: StackControllerError.self) {
                try await launcher.launch(
                    LaunchedJob(scheduled: ScheduledJob(id: Self.job), acquisitionToken: Secret("bkjat_secret")))
            }
            #expect(error?.code == .launcherUnusable)
            #expect(error?.message.contains("hunter2") == false && error?.message.contains("bkjat") == false)
            #expect(try place.records() == [])
        }
    }

    /// Counts in a process of its own: the files of other tests are not in it.
    private static func open() throws -> Int { try FileManager.default.contentsOfDirectory(atPath: "/dev/fd").count }

    @Test("launches that fail before their process is there leave no file open, and no record")
    func failedDescriptors() async throws {
        try await withPlace { place in
            await #expect(processExitsWith: .success) { [place = place as Place] in
                let path = "\(place.root)/agent"
                try Data("#!/bin/sh\n".utf8).write(to: URL(filePath: path))
                chmod(path, 0o700)
                var configuration = CommandLauncher.Configuration()
                configuration.output = .files(directory: place.root)
                configuration.stateDirectory = "\(place.state)-1"
                let gone = try CommandLauncher(command: [path], configuration: configuration)
                configuration.output = .files(directory: "\(place.root)/no/such")
                configuration.stateDirectory = place.state
                let logless = try CommandLauncher(command: ["true"], configuration: configuration)
                unlink(path)
                let job = LaunchedJob(
                    scheduled: ScheduledJob(id: CommandRecoveryTests.job), acquisitionToken: Secret("t"))
                for launcher in [gone, logless] {
                    await #expect(throws: StackControllerError.self) { try await launcher.launch(job) }
                    let before = try CommandRecoveryTests.open()
                    for _ in 0..<60 {
                        await #expect(throws: StackControllerError.self) { try await launcher.launch(job) }
                    }
                    #expect(try CommandRecoveryTests.open() == before)
                }
                #expect(try place.records() == [])
            }
        }
    }

    @Test("launches leave no file open")
    func descriptors() async throws {
        try await withPlace { place in
            await #expect(processExitsWith: .success) { [place = place as Place] in
                // The first task that sleeps has the system's event queue opened, which stays.
                try await Task.sleep(for: .microseconds(1))
                let launcher = try place.launcher("true")
                let job = LaunchedJob(
                    scheduled: ScheduledJob(id: CommandRecoveryTests.job), acquisitionToken: Secret("t"))
                _ = try await launcher.launch(job)
                let before = try CommandRecoveryTests.open()
                for _ in 0..<60 { _ = try await launcher.launch(job) }
                // The system's event loop may have come to open some of its own meanwhile.
                #expect(try CommandRecoveryTests.open() < before + 30)
            }
        }
    }
}
