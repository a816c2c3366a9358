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

@Suite("The end of a command is learned whatever else happens on the machine", .serialized, .timeLimit(.minutes(5)))
struct CommandEndTests {
    @Test("the end of a command is noticed while no descriptor is free", arguments: [false, true])
    func endWithoutDescriptors(keepsState: Bool) async {
        await #expect(processExitsWith: .success) { [keepsState = keepsState as Bool] in
            try await CommandBed.withDirectory { directory in
                let script = "echo > \"$1/started\"; until [ -e \"$1/go\" ]; do sleep 0.01; done; exit 4"
                let launcher = try CommandBed.launcher(
                    ["sh", "-c", script, "sh", directory], in: directory, keepsState: keepsState)
                let launch = Task { try await launcher.launch(CommandBed.job) }
                while !FileManager.default.fileExists(atPath: "\(directory)/started") { await Task.yield() }
                try Data().write(to: URL(filePath: "\(directory)/going"))
                var limit = rlimit()
                getrlimit(CommandBed.descriptors, &limit)
                limit.rlim_cur = 128
                setrlimit(CommandBed.descriptors, &limit)
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
            try await CommandBed.withDirectory { directory in
                let script = "echo >> \"$1/started\"; until [ -e \"$1/go\" ]; do sleep 0.05; done"
                let launcher = try CommandBed.launcher(
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
            try await CommandBed.withDirectory { directory in
                let launcher = try CommandBed.launcher(["sh", "-c", "exit 9"], in: directory, keepsState: false)
                exit(try await launcher.launch(CommandBed.job).status == 9 ? 0 : 1)
            }
        }
    }

    @Test("processes that others in this program have started keep their status, and hide no command's end")
    func foreignChildren() async {
        await #expect(processExitsWith: .success) {
            try await CommandBed.withDirectory { directory in
                var foreign: pid_t = 0
                let arguments = [strdup("sh"), strdup("-c"), strdup("exit 11"), nil]
                guard posix_spawn(&foreign, "/bin/sh", nil, nil, arguments, nil) == 0 else { exit(1) }
                let launcher = try CommandBed.launcher(["sh", "-c", "exit 12"], in: directory, keepsState: false)
                for _ in 0..<3 {
                    guard try await launcher.launch(CommandBed.job).status == 12 else { exit(2) }
                }
                var status: Int32 = 0
                guard waitpid(foreign, &status, 0) == foreign, (status >> 8) & 0xff == 11 else { exit(3) }
            }
        }
    }

    @Test("a shell that is killed before it has begun the command has not begun it")
    func killedBeforeTheBeginning() async {
        await #expect(processExitsWith: .success) {
            try await CommandBed.withDirectory { directory in
                let (file, open) = try RecordFile.create(for: CommandBed.job.id, in: directory)
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

    #if os(Linux)
        @Test(
            "a command whose processes are another user's is given up, and its record stays for the next controller",
            .enabled(if: geteuid() == 0, "only root can make one"), arguments: [false, true])
        func foreignProcess(keepsState: Bool) async throws {
            try await CommandBed.withDirectory { directory in
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
                        let launch = Task { try await launcher.launch(CommandBed.job) }
                        while !FileManager.default.fileExists(atPath: "\(directory)/root") { await Task.yield() }
                        launch.cancel()
                        do { _ = try await launch.value } catch let error as CommandLaunchError {
                            guard error.description.contains("another user") else { exit(2) }
                        }
                        // It runs on, so that this launcher starts no second one either.
                        if keepsState {
                            guard try await launcher.launch(CommandBed.job).status == JobExit.locked.status else {
                                exit(6)
                            }
                        }
                    }
                    guard keepsState else { exit(0) }
                    // The thread that starts processes may hold the last launcher for a moment.
                    func nextLauncher() async -> CommandLauncher {
                        while true {
                            if let launcher = try? CommandLauncher(command: command, configuration: configuration) {
                                return launcher
                            }
                            await Task.yield()
                        }
                    }
                    let next = await nextLauncher()
                    guard try await next.recover() == [CommandBed.job.id] else { exit(3) }
                    let follow = Task { try await next.follow(CommandBed.job.id) }
                    follow.cancel()
                    do { _ = try await follow.value } catch is CommandLaunchError {
                        exit(try CommandBed.records(in: directory).contains("\(CommandBed.job.id).job") ? 0 : 4)
                    }
                    exit(5)
                }
                let process = try String(contentsOfFile: "\(directory)/root", encoding: .utf8)
                kill(try #require(pid_t(process.filter { !$0.isNewline })), SIGKILL)
            }
        }
    #endif
}
