import Foundation
import StacksAPI
import StacksController
import Testing

@testable import CommandLaunching

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What keeps commands from being started, with a state directory and without: the same.
@Suite("A command that cannot be started is told apart from one that fails", .serialized, .timeLimit(.minutes(5)))
struct StartFailureTests {
    private static let job = LaunchedJob(
        scheduled: ScheduledJob(id: "01989c5e-0000-7000-8000-00000000000a"), acquisitionToken: Secret("bkjat_secret"))

    #if canImport(Glibc)
        private static let descriptors = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
        private static let descriptors = RLIMIT_NOFILE
    #endif

    private static func withDirectory<Result>(_ body: (String) async throws -> Result) async throws -> Result {
        let directory = FileManager.default.temporaryDirectory.appending(path: "start-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        return try await body(directory.path)
    }

    private static func launcher(_ command: [String], in directory: String, keepsState: Bool) throws -> CommandLauncher
    {
        var configuration = CommandLauncher.Configuration()
        configuration.output = .files(directory: directory)
        if keepsState { configuration.stateDirectory = "\(directory)/state" }
        return try CommandLauncher(command: command, configuration: configuration)
    }

    /// Launches, as often as it takes: processes that other tests start at this moment hold for an instant what was open
    /// here, and a file that is open for writing cannot be executed.
    private static func launchAtLast(_ launcher: CommandLauncher) async throws -> JobExit {
        while true {
            do { return try await launcher.launch(job) } catch is LauncherUnavailable { await Task.yield() }
        }
    }

    private static func write(_ bytes: some Sequence<UInt8>, to path: String) throws {
        try Data(bytes).write(to: URL(filePath: path))
        chmod(path, 0o700)
    }

    private static func records(in directory: String) throws -> [String] {
        guard FileManager.default.fileExists(atPath: "\(directory)/state") else { return [] }
        return try FileManager.default.contentsOfDirectory(atPath: "\(directory)/state").filter { $0 != "lock" }
    }

    /// A file that is there and executable by its mode, and is no program here.
    enum Broken: String, CaseIterable, Sendable {
        case interpreterIsGone, loaderIsGone, empty, noScript, otherMachine

        func bytes() throws -> [UInt8] {
            switch self {
            case .interpreterIsGone: return Array("#!/nowhere/interpreter -x\n".utf8)
            case .empty: return []
            case .noScript: return Array("exit 0\n".utf8)
            case .loaderIsGone:
                // A program of this machine whose loader has another name.
                let program = try Data(contentsOf: URL(filePath: "/bin/sh").resolvingSymlinksInPath())
                guard let range = program.range(of: Data("/ld-".utf8)) ?? program.range(of: Data("/dyld".utf8)) else {
                    return []
                }
                return Array(program.replacingCharacters(in: range.lowerBound + 1))
            case .otherMachine:
                var program = try Array(
                    Data(contentsOf: URL(filePath: "/bin/sh").resolvingSymlinksInPath()).prefix(4096))
                program[18] ^= 0x55
                return program
            }
        }
    }

    #if os(Linux)
        @Test(
            "a file that the system cannot execute makes jobs wait, and not one of them fail",
            arguments: Broken.allCases, [false, true])
        func broken(kind: Broken, keepsState: Bool) async throws {
            try await Self.withDirectory { directory in
                let path = "\(directory)/agent"
                try Self.write(kind.bytes(), to: path)
                let launcher = try Self.launcher([path, "hunter2"], in: directory, keepsState: keepsState)
                let error = await #expect(throws: LauncherUnavailable.self) { try await launcher.launch(Self.job) }
                #expect(error?.message.contains(path) == true)
                #expect(error?.message.contains("hunter2") == false && error?.message.contains("bkjat") == false)
                #expect(try Self.records(in: directory) == [])
                // As soon as it is whole again it is started.
                try Self.write("#!/bin/sh\nexit 5\n".utf8, to: path)
                #expect(try await Self.launchAtLast(launcher) == JobExit(status: 5))
            }
        }

        @Test("a program of the machine's 32-bit predecessor is the kernel's to judge")
        func predecessor() async throws {
            try await Self.withDirectory { directory in
                var program = try Array(Data(contentsOf: URL(filePath: "/bin/sh").resolvingSymlinksInPath()).prefix(64))
                program[4] = 1
                try Self.write(program, to: "\(directory)/same")
                #expect(ExecutableFormat.trouble(with: "\(directory)/same") == nil)
                #if arch(x86_64)
                    program[18] = 3
                #elseif arch(arm64)
                    program[18] = 40
                #endif
                try Self.write(program, to: "\(directory)/predecessor")
                #expect(ExecutableFormat.trouble(with: "\(directory)/predecessor") == nil)
                program[5] ^= 3
                try Self.write(program, to: "\(directory)/order")
                #expect(ExecutableFormat.trouble(with: "\(directory)/order") != nil)
            }
        }

        @Test("a program that is being written is waited for", arguments: [false, true])
        func busy(keepsState: Bool) async throws {
            try await Self.withDirectory { directory in
                let path = "\(directory)/agent"
                try Self.write(Data(contentsOf: URL(filePath: "/bin/sh").resolvingSymlinksInPath()), to: path)
                let launcher = try Self.launcher([path, "-c", "exit 6"], in: directory, keepsState: keepsState)
                let writer = open(path, O_WRONLY | O_CLOEXEC)
                await #expect(throws: LauncherUnavailable.self) { try await launcher.launch(Self.job) }
                close(writer)
                #expect(try await Self.launchAtLast(launcher) == JobExit(status: 6))
                #expect(try Self.records(in: directory) == [])
            }
        }
    #endif

    @Test(
        "a command that ends with a status that shells have for their own trouble has failed itself",
        arguments: [1, 2, 126, 127, 255] as [Int], [false, true])
    func ownStatus(status: Int, keepsState: Bool) async throws {
        try await Self.withDirectory { directory in
            let launcher = try Self.launcher(["sh", "-c", "exit \(status)"], in: directory, keepsState: keepsState)
            #expect(try await launcher.launch(Self.job) == JobExit(status: status))
        }
    }

    @Test("without descriptors nothing is started and nothing failed, and all goes on when there are some again")
    func noDescriptors() async {
        for keepsState in [false, true] {
            await #expect(processExitsWith: .success) { [keepsState = keepsState as Bool] in
                try await Self.withDirectory { directory in
                    let launcher = try Self.launcher(["sh", "-c", "exit 3"], in: directory, keepsState: keepsState)
                    guard try await launcher.launch(Self.job).status == 3 else { exit(1) }
                    var limit = rlimit()
                    getrlimit(Self.descriptors, &limit)
                    limit.rlim_cur = 128
                    setrlimit(Self.descriptors, &limit)
                    var taken: [Int32] = []
                    // With none left, and with one or two less than are needed.
                    while case let number = open("/dev/null", O_RDONLY), number >= 0 { taken.append(number) }
                    for _ in 0..<2 {
                        do {
                            _ = try await launcher.launch(Self.job)
                            if !taken.isEmpty { exit(2) }
                        } catch is LauncherUnavailable {
                        } catch {
                            exit(3)
                        }
                        if let number = taken.popLast() { close(number) }
                    }
                    for number in taken { close(number) }
                    guard try await launcher.launch(Self.job).status == 3 else { exit(4) }
                    guard try Self.records(in: directory).isEmpty else { exit(5) }
                }
            }
        }
    }

    @Test("the end of a command is noticed while no descriptor is free", arguments: [false, true])
    func endWithoutDescriptors(keepsState: Bool) async {
        await #expect(processExitsWith: .success) { [keepsState = keepsState as Bool] in
            try await Self.withDirectory { directory in
                let script = "echo > \"$1/started\"; until [ -e \"$1/go\" ]; do sleep 0.01; done; exit 4"
                let launcher = try Self.launcher(
                    ["sh", "-c", script, "sh", directory], in: directory, keepsState: keepsState)
                let launch = Task { try await launcher.launch(Self.job) }
                while !FileManager.default.fileExists(atPath: "\(directory)/started") { await Task.yield() }
                try Data().write(to: URL(filePath: "\(directory)/going"))
                var limit = rlimit()
                getrlimit(Self.descriptors, &limit)
                limit.rlim_cur = 128
                setrlimit(Self.descriptors, &limit)
                var taken: [Int32] = []
                while case let number = open("/dev/null", O_RDONLY), number >= 0 { taken.append(number) }
                rename("\(directory)/going", "\(directory)/go")
                if keepsState {
                    // What is written down needs a descriptor to be read, at last.
                    for _ in 0..<1000 { await Task.yield() }
                    for number in taken { close(number) }
                }
                exit(try await launch.value.status == 4 ? 0 : 1)
            }
        }
    }

    @Test("commands that run cost no descriptor")
    func costNothing() async throws {
        await #expect(processExitsWith: .success) {
            func open() throws -> Int { try FileManager.default.contentsOfDirectory(atPath: "/dev/fd").count }
            try await Self.withDirectory { directory in
                let script = "echo >> \"$1/started\"; until [ -e \"$1/go\" ]; do sleep 0.05; done"
                let launcher = try Self.launcher(
                    ["sh", "-c", script, "sh", directory], in: directory, keepsState: true)
                let jobs = (0..<20).map {
                    LaunchedJob(scheduled: ScheduledJob(id: JobID("job-\($0)")), acquisitionToken: Secret("t"))
                }
                let before = try open()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for job in jobs { group.addTask { _ = try await launcher.launch(job) } }
                    while (try? Data(contentsOf: URL(filePath: "\(directory)/started")).count) ?? 0 < 20 {
                        await Task.yield()
                    }
                    // The queue of the system's event loop may have come to be meanwhile, and a command can run before
                    // what was opened for its start is closed.
                    while try open() > before + 8 { await Task.yield() }
                    try Data().write(to: URL(filePath: "\(directory)/go"))
                    try await group.waitForAll()
                }
            }
        }
    }

    @Test("the exit status is known also where this process was started with SIGCHLD ignored")
    func ignoredChildren() async {
        await #expect(processExitsWith: .success) {
            signal(SIGCHLD, SIG_IGN)
            try await Self.withDirectory { directory in
                let launcher = try Self.launcher(["sh", "-c", "exit 9"], in: directory, keepsState: false)
                exit(try await launcher.launch(Self.job).status == 9 ? 0 : 1)
            }
        }
    }

    @Test("processes that others in this program have started keep their status, and hide no command's end")
    func foreignChildren() async {
        await #expect(processExitsWith: .success) {
            try await Self.withDirectory { directory in
                var foreign: pid_t = 0
                let arguments = [strdup("sh"), strdup("-c"), strdup("exit 11"), nil]
                guard posix_spawn(&foreign, "/bin/sh", nil, nil, arguments, nil) == 0 else { exit(1) }
                let launcher = try Self.launcher(["sh", "-c", "exit 12"], in: directory, keepsState: false)
                for _ in 0..<3 {
                    guard try await launcher.launch(Self.job).status == 12 else { exit(2) }
                }
                var status: Int32 = 0
                guard waitpid(foreign, &status, 0) == foreign, (status >> 8) & 0xff == 11 else { exit(3) }
            }
        }
    }

    @Test("a shell that is killed before it has begun the command has not begun it")
    func killedBeforeTheBeginning() async {
        await #expect(processExitsWith: .success) {
            try await Self.withDirectory { directory in
                let (file, open) = try RecordFile.create(for: Self.job.id, in: directory)
                // Room for what is in the record, and not for the line of its process: the shell gets SIGXFSZ.
                #if canImport(Glibc)
                    let size = __rlimit_resource_t(RLIMIT_FSIZE.rawValue)
                #else
                    let size = RLIMIT_FSIZE
                #endif
                var limit = rlimit()
                getrlimit(size, &limit)
                limit.rlim_cur = 60
                setrlimit(size, &limit)
                let child = try ChildProcesses.shared.start {
                    try Spawn.process(
                        "/bin/sh", ["sh", "-c", ProcessRecord.wrapper, "sh", "/bin/sh", "-c", "exit 3"],
                        ["PATH": "/usr/bin:/bin"], directory: nil,
                        streams: (open.descriptor, STDOUT_FILENO, STDERR_FILENO))
                }
                open.close()
                let ending = await child.end()
                guard case .signalled = ending else { exit(1) }
                exit(ProcessRecord.outcome(ofWrapper: ending, record: try file.read()) == .notStarted ? 0 : 2)
            }
        }
    }

    @Test("what is too long for the system is the trouble of its job alone", arguments: [false, true])
    func tooLong(keepsState: Bool) async throws {
        try await Self.withDirectory { directory in
            let launcher = try Self.launcher(["sh", "-c", "exit 3"], in: directory, keepsState: keepsState)
            var job = Self.job
            job.acquisitionToken = Secret(String(repeating: "t", count: 4 << 20))
            let error = await #expect(throws: CommandLaunchError.self) { try await launcher.launch(job) }
            #expect(error?.description.contains("\(4 << 20)") == true)
            let name = JobID(String(repeating: "long-", count: 100))
            let named = LaunchedJob(scheduled: ScheduledJob(id: name), acquisitionToken: Secret("t"))
            #expect(try await launcher.launch(named) == JobExit(status: 3))
            #expect(try Self.records(in: directory) == [])
        }
    }

    #if os(Linux)
        @Test(
            "a command whose processes are another user's is given up, and its record stays for the next controller",
            .enabled(if: geteuid() == 0, "only root can make one"), arguments: [false, true])
        func foreignProcess(keepsState: Bool) async throws {
            try await Self.withDirectory { directory in
                // As sudo does it: a program of root's that starts another one as root.
                let elevate = "\(directory)/elevate"
                try FileManager.default.copyItem(atPath: "/usr/bin/setpriv", toPath: elevate)
                chmod(elevate, 0o4755)
                chown(directory, 65534, 65534)
                await #expect(processExitsWith: .success) {
                    [directory = directory as String, elevate = elevate as String, keepsState = keepsState as Bool] in
                    guard setgid(65534) == 0, setuid(65534) == 0 else { exit(1) }
                    var configuration = CommandLauncher.Configuration()
                    configuration.gracePeriod = .zero
                    configuration.output = .discarded
                    if keepsState { configuration.stateDirectory = "\(directory)/state" }
                    let script =
                        "echo $$ > '\(directory)/new' && mv '\(directory)/new' '\(directory)/root'; exec sleep 3600"
                    let command = [elevate, "--reuid", "0", "--clear-groups", "sh", "-c", script]
                    do {
                        let launcher = try CommandLauncher(command: command, configuration: configuration)
                        let launch = Task { try await launcher.launch(Self.job) }
                        while !FileManager.default.fileExists(atPath: "\(directory)/root") { await Task.yield() }
                        launch.cancel()
                        do { _ = try await launch.value } catch let error as CommandLaunchError {
                            guard error.description.contains("another user") else { exit(2) }
                        }
                        // It runs on, so that this launcher starts no second one either.
                        if keepsState {
                            guard try await launcher.launch(Self.job).status == JobExit.locked.status else { exit(6) }
                        }
                    }
                    guard keepsState else { exit(0) }
                    let next = try CommandLauncher(command: command, configuration: configuration)
                    guard try await next.recover() == [Self.job.id] else { exit(3) }
                    let follow = Task { try await next.follow(Self.job.id) }
                    follow.cancel()
                    do { _ = try await follow.value } catch is CommandLaunchError {
                        exit(try Self.records(in: directory).contains("\(Self.job.id).job") ? 0 : 4)
                    }
                    exit(5)
                }
                let process = try String(contentsOfFile: "\(directory)/root", encoding: .utf8)
                kill(try #require(pid_t(process.filter { !$0.isNewline })), SIGKILL)
            }
        }

        @Test("commands get the limit on descriptors that they are to have, and this process keeps its own")
        func descriptorLimit() async throws {
            try await Self.withDirectory { directory in
                var configuration = CommandLauncher.Configuration()
                configuration.output = .files(directory: directory)
                configuration.descriptorLimit = 77
                // It is set a moment after the start.
                let script = "until [ $(ulimit -Sn) = 77 ]; do sleep 0.01; done; exit 8"
                let launcher = try CommandLauncher(command: ["sh", "-c", script], configuration: configuration)
                #expect(try await launcher.launch(Self.job) == JobExit(status: 8))
                var limit = rlimit()
                getrlimit(Self.descriptors, &limit)
                #expect(limit.rlim_cur != 77)
            }
        }
    #endif
}

extension Data {
    /// The same with another character there.
    fileprivate func replacingCharacters(in index: Int) -> Data {
        var copy = self
        copy[index] = UInt8(ascii: "X")
        return copy
    }
}
