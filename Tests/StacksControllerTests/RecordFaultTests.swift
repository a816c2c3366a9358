import Foundation
import StacksAPI
import StacksController
import Testing

@testable import CommandLaunching

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Records that are held, gone, unreadable, or of another boot.
@Suite("A record that is not as it should be starts nothing twice", .timeLimit(.minutes(5)))
struct RecordFaultTests {
    private static let id = JobID("01989c5e-0000-7000-8000-00000000000a")
    private static let job = LaunchedJob(scheduled: ScheduledJob(id: id), acquisitionToken: Secret("t"))

    /// A directory, and a state directory in it.
    private struct Place: Sendable {
        let root: String
        var state: String { "\(root)/state" }
        var record: String { "\(state)/\(id).job" }

        func launcher(_ script: String = "echo >>\"$1/started\"; exit 3") throws -> CommandLauncher {
            var configuration = CommandLauncher.Configuration()
            configuration.stateDirectory = state
            configuration.output = .discarded
            return try CommandLauncher(command: ["sh", "-c", script, "sh", root], configuration: configuration)
        }

        func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

        /// Makes a record as a shell holds it that lives.
        func holdRecord(_ text: String = "job \(id)\n") throws -> OpenFile {
            mkdir(state, 0o700)
            let file = try OpenFile(record, O_CREAT | O_RDWR)
            #expect(try FileLock.take(file))
            try file.write(text)
            return file
        }
    }

    private func withPlace(_ body: (Place) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "fault-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try await body(Place(root: directory.path))
    }

    // MARK: Held

    @Test("a job whose earlier command still runs is given back by the same launcher, and its record stays")
    func held() async throws {
        try await withPlace { place in
            let launcher = try place.launcher()
            let record = try place.holdRecord()
            #expect(try await launcher.launch(Self.job).status == JobExit.locked.status)
            #expect(!place.exists("\(place.root)/started"))
            #expect(try String(contentsOfFile: place.record, encoding: .utf8) == "job \(Self.id)\n")
            // Once it has ended the job can be launched.
            record.close()
            #expect(try await launcher.launch(Self.job) == JobExit(status: 3))
            #expect(!place.exists(place.record))
        }
    }

    // MARK: Gone

    @Test("a command whose record is gone has not failed to start: how it ended is not known", arguments: [0, 75, 127])
    func gone(status: Int) async throws {
        try await withPlace { place in
            let launcher = try place.launcher("rm -r \"$1/state\"; exit \(status)")
            let error = await #expect(throws: CommandLaunchError.self) { try await launcher.launch(Self.job) }
            #expect(
                error?.description.contains("not known") == true && error?.description.contains(place.record) == true)
        }
    }

    // MARK: Of another boot

    @Test("after a restart of the machine a group that has the number of a command's is another's")
    func otherBoot() async throws {
        let current = try #require(BootID.current)
        try await withPlace { place in
            mkdir(place.state, 0o700)
            // A group without its leader, as it is when somebody has killed the shell beside a command.
            let leader = try Spawn.process(
                "/bin/sh", ["sh", "-c", "sleep 3600 &"], ["PATH": "/usr/bin:/bin"], directory: nil,
                streams: (STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO))
            defer { kill(-leader, SIGKILL) }
            var status: Int32 = 0
            #expect(waitpid(leader, &status, 0) == leader)
            let file = RecordFile(path: place.record)
            func runs(boot: String) throws -> Bool {
                let text = "job \(Self.id)\n\(boot)process \(leader) 1\n"
                try text.write(toFile: place.record, atomically: true, encoding: .utf8)
                return try file.runs()
            }
            #expect(try runs(boot: "boot \(current)\n"))
            #expect(try !runs(boot: "boot of-yesterday\n"))
            // By an earlier version, which did not write it down.
            #expect(try runs(boot: ""))
            #expect(try !runs(boot: "boot of-yesterday\n"))
            let launcher = try place.launcher()
            #expect(try await launcher.recover() == [Self.id])
            await #expect(throws: CommandLaunchError.self) { try await launcher.follow(Self.id) }
            #expect(!place.exists(place.record))
        }
    }

    // MARK: Unreadable

    @Test(
        "a record that cannot be read for long is an error that names it, cancelled or not", arguments: [false, true])
    func unreadable(isCancelled: Bool) async throws {
        // No system has a file with such a name, or says that there is none.
        let path = FileManager.default.temporaryDirectory.path + "/" + String(repeating: "n", count: 5000)
        let process = RecoveredProcess(file: RecordFile(path: path), gracePeriod: .zero, patience: .zero)
        let follow = Task { try await process.end() }
        if isCancelled { follow.cancel() }
        let error = await #expect(throws: CommandLaunchError.self) { try await follow.value }
        #expect(error?.description.contains(path) == true)
    }

    /// Makes a file that this process may not read, or not trust when it is root.
    private func hide(_ path: String) {
        if geteuid() == 0 { chown(path, 65534, 65534) } else { chmod(path, 0) }
    }

    @Test("recovery names the job of a record that it cannot read, and leaves the record alone")
    func unreadableRecord() async throws {
        try await withPlace { place in
            let record = try place.holdRecord()
            defer { record.close() }
            hide(place.record)
            try Data("{}".utf8).write(to: URL(filePath: "\(place.state)/\(Self.id).json"))
            let launcher = try place.launcher()
            #expect(try await launcher.recover() == [Self.id])
            #expect(place.exists(place.record) && place.exists("\(place.state)/\(Self.id).json"))
            let process = RecoveredProcess(
                file: RecordFile(path: place.record), gracePeriod: .zero, patience: .zero)
            let error = await #expect(throws: CommandLaunchError.self) { try await process.end() }
            #expect(error?.description.contains(place.record) == true)
            // Nor is its job launched a second time.
            let launch = await #expect(throws: CommandLaunchError.self) { try await launcher.launch(Self.job) }
            #expect(launch?.description.contains(place.record) == true)
            #expect(place.exists(place.record) && !place.exists("\(place.root)/started"))
        }
    }

    @Test("recovery fails, naming the file, when neither a record nor its name says which job it is")
    func namelessRecord() async throws {
        try await withPlace { place in
            mkdir(place.state, 0o700)
            let path = "\(place.state)/of-a-job.job"
            try Data("job of a job\n".utf8).write(to: URL(filePath: path))
            hide(path)
            let launcher = try place.launcher()
            let error = await #expect(throws: StackControllerError.self) { try await launcher.recover() }
            #expect(error?.code == .launcherUnusable && error?.message.contains(path) == true)
            #expect(place.exists(path))
        }
    }

    @Test(
        "recovery names the job of a record with a second name, and of one that was emptied, while a command holds it")
    func oddRecords() async throws {
        try await withPlace { place in
            var record = try place.holdRecord()
            makeHardLink(place.record, "\(place.root)/copy")
            var launcher: CommandLauncher? = try place.launcher()
            #expect(try await launcher?.recover() == [Self.id])
            #expect(place.exists(place.record))
            record.close()
            launcher = nil
            unlink(place.record)
            record = try place.holdRecord("")
            let next = try place.launcher()
            #expect(try await next.recover() == [Self.id])
            #expect(place.exists(place.record))
            record.close()
        }
    }
}

/// The system's, where the name is taken.
@discardableResult
private func makeHardLink(_ old: String, _ new: String) -> Int32 { link(old, new) }
