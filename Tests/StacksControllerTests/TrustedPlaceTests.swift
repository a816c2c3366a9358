import Foundation
import StacksAPI
import StacksController
import StacksTransport
import Synchronization
import Testing

@testable import CommandLaunching

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("Places that others can write to", .serialized, .timeLimit(.minutes(5)))
struct TrustedPlaceTests {
    private static let job = LaunchedJob(
        scheduled: ScheduledJob(id: "01989c5e-0000-7000-8000-00000000000a"), acquisitionToken: Secret("t"))

    private func withDirectory(_ body: (String) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "trust-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try await body(directory.path)
    }

    private func launcher(state: String? = nil, logs: String? = nil) throws -> CommandLauncher {
        var configuration = CommandLauncher.Configuration()
        configuration.stateDirectory = state
        configuration.output = logs.map { .files(directory: $0) } ?? .discarded
        return try CommandLauncher(command: ["sh", "-c", "echo output"], configuration: configuration)
    }

    @Test("a state directory that others can write to is refused, naming its mode", arguments: [0o777, 0o1777, 0o707])
    func writable(mode: Int) async throws {
        try await withDirectory { directory in
            mkdir("\(directory)/state", 0o700)
            chmod("\(directory)/state", mode_t(mode))
            let error = #expect(throws: ConfigurationError.self) { try launcher(state: "\(directory)/state") }
            #expect(error?.message.contains(String(mode, radix: 8)) == true, "\(error?.message ?? "")")
        }
    }

    @Test("so is one whose parent lets others replace it, and one in a shared place like /tmp is not")
    func parent() async throws {
        try await withDirectory { directory in
            chmod(directory, 0o777)
            #expect(throws: ConfigurationError.self) { try launcher(state: "\(directory)/state") }
            chmod(directory, 0o1777)
            _ = try launcher(state: "\(directory)/state")
        }
    }

    @Test("a state directory that is a symbolic link is refused, and what it leads to left alone")
    func link() async throws {
        try await withDirectory { directory in
            mkdir("\(directory)/elsewhere", 0o700)
            symlink("\(directory)/elsewhere", "\(directory)/state")
            let error = #expect(throws: ConfigurationError.self) { try launcher(state: "\(directory)/state") }
            #expect(error?.message.contains("symbolic link") == true)
            let made = try FileManager.default.contentsOfDirectory(atPath: "\(directory)/elsewhere")
            #expect(made == [])
        }
    }

    @Test(
        "a directory of another user's is refused, for the state and for logs",
        .enabled(if: geteuid() == 0, "only root can make one"))
    func owner() async throws {
        try await withDirectory { directory in
            mkdir("\(directory)/others", 0o755)
            chown("\(directory)/others", 65534, 65534)
            for make in [
                { try launcher(state: "\(directory)/others") }, { try launcher(logs: "\(directory)/others") },
            ] {
                let error = #expect(throws: ConfigurationError.self) { try make() }
                #expect(error?.message.contains("another user (65534") == true, "\(error?.message ?? "")")
            }
        }
    }

    /// What can be in the place of a file, made at a path; `precious` is a file that must stay as it is.
    enum Obstacle: String, CaseIterable, Sendable {
        case link, hardLink, fifo, directory

        func make(at path: String, precious: String) {
            switch self {
            case .link: symlink(precious, path)
            case .hardLink: makeHardLink(precious, path)
            case .fifo: mkfifo(path, 0o600)
            case .directory: mkdir(path, 0o700)
            }
        }
    }

    @Test("whatever is in the place of the lock is neither waited for nor written to", arguments: Obstacle.allCases)
    func lock(obstacle: Obstacle) async throws {
        try await withDirectory { directory in
            let precious = "\(directory)/precious"
            try Data("precious".utf8).write(to: URL(filePath: precious))
            mkdir("\(directory)/state", 0o700)
            obstacle.make(at: "\(directory)/state/lock", precious: precious)
            #expect(throws: ConfigurationError.self) { try launcher(state: "\(directory)/state") }
            #expect(try String(contentsOfFile: precious, encoding: .utf8) == "precious")
        }
    }

    @Test(
        "whatever is in the place of a job's log concerns that job alone, and is not written to",
        arguments: Obstacle.allCases)
    func log(obstacle: Obstacle) async throws {
        try await withDirectory { directory in
            let precious = "\(directory)/precious"
            try Data("precious".utf8).write(to: URL(filePath: precious))
            mkdir("\(directory)/logs", 0o700)
            obstacle.make(at: "\(directory)/logs/\(Self.job.id).log", precious: precious)
            let launcher = try launcher(state: "\(directory)/state", logs: "\(directory)/logs")
            let error = await #expect(throws: CommandLaunchError.self) { try await launcher.launch(Self.job) }
            #expect(error?.description.contains(".log") == true)
            #expect(try String(contentsOfFile: precious, encoding: .utf8) == "precious")
            #expect(try FileManager.default.contentsOfDirectory(atPath: "\(directory)/state") == ["lock"])
            let other = LaunchedJob(scheduled: ScheduledJob(id: "other"), acquisitionToken: Secret("t"))
            #expect(try await launcher.launch(other) == .success)
            #expect(try String(contentsOfFile: "\(directory)/logs/other.log", encoding: .utf8) == "output\n")
        }
    }

    @Test(
        "whatever is in the place of a record is replaced, and not written to",
        arguments: [.link, .hardLink, .fifo] as [Obstacle])
    func record(obstacle: Obstacle) async throws {
        try await withDirectory { directory in
            let precious = "\(directory)/precious"
            try Data("precious".utf8).write(to: URL(filePath: precious))
            let launcher = try launcher(state: "\(directory)/state")
            for suffix in ["new", "job"] {
                obstacle.make(at: "\(directory)/state/\(Self.job.id).\(suffix)", precious: precious)
            }
            #expect(try await launcher.launch(Self.job) == .success)
            #expect(try String(contentsOfFile: precious, encoding: .utf8) == "precious")
            #expect(try FileManager.default.contentsOfDirectory(atPath: "\(directory)/state") == ["lock"])
        }
    }

    @Test("a directory for logs that others can write to is refused without the sticky bit")
    func logs() async throws {
        try await withDirectory { directory in
            chmod(directory, 0o777)
            let error = #expect(throws: ConfigurationError.self) { try launcher(logs: directory) }
            #expect(error?.message.contains("777") == true)
            chmod(directory, 0o1777)
            let exit = try await launcher(logs: directory).launch(Self.job)
            #expect(exit == .success)
        }
    }

    #if os(Linux)
        @Test("a record that names a process which was started at another time has nobody signalled")
        func stranger() async throws {
            try await withDirectory { directory in
                var stranger: pid_t = 0
                let arguments = [strdup("sleep"), strdup("3600"), nil]
                var attributes = posix_spawnattr_t()
                posix_spawnattr_init(&attributes)
                posix_spawnattr_setpgroup(&attributes, 0)
                posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
                #expect(posix_spawnp(&stranger, "sleep", nil, &attributes, arguments, nil) == 0)
                let start = try #require(ProcessStart(of: stranger))
                #expect(start == ProcessStart(of: stranger) && start == ProcessStart(start.description))
                for line in ["process \(stranger)\n", "process \(stranger) 1\n", "process \(stranger) x\n"] {
                    let path = "\(directory)/a.job"
                    let holder = open(path, O_CREAT | O_RDWR | O_CLOEXEC | O_TRUNC, 0o600)
                    #expect(flock(holder, LOCK_EX) == 0)
                    let text = "job a\n" + line
                    #expect(write(holder, text, text.utf8.count) == text.utf8.count)
                    let process = RecoveredProcess(file: RecordFile(path: path), gracePeriod: .zero)
                    let follow = Task { try await process.end() }
                    follow.cancel()
                    // It is not waited for without end either: that would keep the controller from ending.
                    let error = await #expect(throws: CommandLaunchError.self) { try await follow.value }
                    #expect(error?.description.contains(path) == true)
                    #expect(send(stranger, 0) == 0)
                    var status: Int32 = 0
                    #expect(waitpid(stranger, &status, WNOHANG) == 0)
                    close(holder)
                }
                send(stranger, SIGKILL)
                var status: Int32 = 0
                #expect(waitpid(stranger, &status, 0) == stranger)
            }
        }

        @Test("a record without a time has its process signalled where that is seen to hold the record")
        func holderWithoutTime() async throws {
            try await withDirectory { directory in
                let path = "\(directory)/a.job"
                let file = try OpenFile(path, O_CREAT | O_RDWR)
                #expect(try FileLock.take(file))
                // The process inherits the record as its standard input, and with it the lock.
                let process = try Spawn.process(
                    "/bin/sleep", ["sleep", "3600"], [:], directory: nil,
                    streams: (file.descriptor, STDOUT_FILENO, STDERR_FILENO))
                try file.write("job a\nprocess \(process)\n")
                file.close()
                let follow = Task {
                    try await RecoveredProcess(file: RecordFile(path: path), gracePeriod: .seconds(3600)).end()
                }
                follow.cancel()
                var status: Int32 = 0
                #expect(waitpid(process, &status, 0) == process)
                #expect(status == SIGTERM)
                #expect(try await follow.value == nil)
            }
        }
    #endif

    @Test("neither a relative path nor a slash at the end keeps a state directory from being looked at")
    func spelling() async throws {
        try await withDirectory { directory in
            symlink(directory, "\(directory)/state")
            let linked = #expect(throws: ConfigurationError.self) { try launcher(state: "\(directory)/state//") }
            #expect(linked?.message.contains("symbolic link") == true)
            #expect(throws: ConfigurationError.self) { try launcher(state: "") }
            chmod(directory, 0o777)
            // The working directory is one for the whole process.
            await #expect(processExitsWith: .success) { [directory = directory as String] in
                guard chdir(directory) == 0 else { exit(1) }
                do { _ = try TrustedPlaceTests().launcher(state: "own") } catch let error as ConfigurationError {
                    exit(error.message.contains("777") ? 0 : 2)
                }
                exit(3)
            }
        }
    }

    @Test("when a process was started is read whatever its program is called")
    func start() {
        #expect(ProcessStart(of: getpid()) != nil)
        #expect(ProcessStart(of: -1) == nil)
        #expect(ProcessStart("") == nil && ProcessStart("12 exit 0") == nil && ProcessStart("12\n") == nil)
    }
}

/// The system's, where the name is taken.
@discardableResult
private func send(_ process: pid_t, _ signal: Int32) -> Int32 { kill(process, signal) }

@discardableResult
private func makeHardLink(_ old: String, _ new: String) -> Int32 { link(old, new) }
