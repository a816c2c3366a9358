import CommandLaunching
import StacksAPI
import StacksController
import StacksTransport
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

@Suite("CommandLauncher runs a process for a job", .serialized, .timeLimit(.minutes(5)))
struct CommandLauncherTests {
    private let job = LaunchedJob(
        scheduled: ScheduledJob(id: "01989c5e-0000-7000-8000-00000000000a"),
        acquisitionToken: Secret("bkjat_secret")
    )

    /// Runs a script whose output goes to a file, and returns how it ended with what it wrote.
    private func run(
        _ script: String,
        configure: (inout CommandLauncher.Configuration) -> Void = { _ in }
    ) async throws -> (exit: JobExit, output: String) {
        try await withDirectory { directory in
            var configuration = CommandLauncher.Configuration()
            configuration.output = .files(directory: directory)
            configure(&configuration)
            let launcher = try CommandLauncher(command: ["/bin/sh", "-c", script], configuration: configuration)
            let exit = try await launcher.launch(job)
            return (exit, try contents(of: "\(directory)/\(job.id).log"))
        }
    }

    private func withDirectory<Result>(_ body: (String) async throws -> Result) async throws -> Result {
        let directory = FileManager.default.temporaryDirectory.appending(path: "launcher-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        return try await body(directory.path)
    }

    private func contents(of path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
    }

    /// Waits until the process has written `text`.
    private func wait(for text: String, in path: String) async throws {
        while !((try? contents(of: path)) ?? "").contains(text) { try await Task.sleep(for: .milliseconds(1)) }
    }

    @Test("the process gets the job's token and UUID, and none of the controller's credentials")
    func environment() async {
        // In a process of its own: nobody reads its environment while it is changed.
        await #expect(processExitsWith: .success) {
            setenv("BUILDKITE_CLUSTER_TOKEN", "bkct_controller", 1)
            setenv("BUILDKITE_AGENT_TOKEN", "bkct_controller", 1)
            let tests = CommandLauncherTests()
            let (exit, output) = try await tests.run("env") {
                $0.environment = ["MORE": "yes", "BUILDKITE_AGENT_TOKEN": "mine"]
            }
            let lines = Set(output.split(separator: "\n"))
            #expect(exit == .success)
            #expect(lines.contains("BUILDKITE_AGENT_TOKEN=bkjat_secret"))
            #expect(lines.contains("BUILDKITE_AGENT_ACQUIRE_JOB=\(tests.job.id)"))
            #expect(lines.contains("MORE=yes"))
            #expect(lines.contains { $0.hasPrefix("PATH=") })
            #expect(!output.contains("bkct_controller"))
        }
    }

    @Test("what runs a command beside its record leaves the command's environment alone")
    func wrapperVariables() async throws {
        let names = ["start", "stopped", "unstarted", "status", "field"]
        let show = names.map { "${\($0)-}" }.joined(separator: "|")
        let (exit, output) = try await run("echo \"\(show)\"; env | grep -c ^stacks_") {
            for name in names { $0.environment[name] = "own" }
            $0.stateDirectory = FileManager.default.temporaryDirectory.appending(path: "state-\(UUID())").path
        }
        #expect(exit.status == 1)
        #expect(output == "own|own|own|own|own\n0\n")
    }

    @Test("a descriptor that the commands' standard input is in the way of is refused", arguments: [0, -1] as [Int32])
    func outputDescriptor(number: Int32) {
        var configuration = CommandLauncher.Configuration()
        configuration.output = .fileDescriptor(number)
        let error = #expect(throws: ConfigurationError.self) {
            try CommandLauncher(command: ["sh"], configuration: configuration)
        }
        #expect(error?.message.contains("Descriptor \(number) ") == true)
    }

    @Test("when the variables are named, the process gets these and no others")
    func namedEnvironment() async {
        await #expect(processExitsWith: .success) {
            setenv("STACKS_TEST_SECRET", "do not tell", 1)
            setenv("BUILDKITE_CLUSTER_TOKEN", "bkct_controller", 1)
            let (_, output) = try await CommandLauncherTests().run("/usr/bin/env") {
                $0.inheritance = .only(["PATH", "NOT_THERE", "BUILDKITE_CLUSTER_TOKEN"])
                $0.environment = ["MORE": "yes"]
            }
            let names = Set(
                output.split(separator: "\n").compactMap { $0.split(separator: "=").first.map(String.init) })
            // The shell sets these itself; the last one only on Darwin.
            let ofShell: Set = ["PWD", "OLDPWD", "SHLVL", "_", "__CF_USER_TEXT_ENCODING"]
            let ofJob = names.filter { $0.hasPrefix("STACKS_JOB_") }
            #expect(
                names.subtracting(ofShell).subtracting(ofJob)
                    == ["PATH", "MORE", "BUILDKITE_AGENT_TOKEN", "BUILDKITE_AGENT_ACQUIRE_JOB"])
        }
    }

    @Test("the exit status of the command is the job's", arguments: [0, 1, 27, 28, 75, 255] as [Int])
    func status(status: Int) async throws {
        let (exit, _) = try await run("exit \(status)")
        #expect(exit == JobExit(status: status))
    }

    @Test("a command that a signal ended says which")
    func signal() async throws {
        let (exit, _) = try await run("kill -KILL $$")
        #expect(exit.status == 128 + SIGKILL)
        #expect(exit.detail?.contains("9") == true)
    }

    @Test("standard output and standard error are in the job's file, which its owner alone can read")
    func file() async throws {
        try await withDirectory { directory in
            var configuration = CommandLauncher.Configuration()
            configuration.output = .files(directory: directory)
            let launcher = try CommandLauncher(
                command: ["sh", "-c", "echo out; echo err >&2"], configuration: configuration)
            _ = try await launcher.launch(job)
            let path = "\(directory)/\(job.id).log"
            #expect(try contents(of: path) == "out\nerr\n")
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
        }
    }

    @Test("standard output and standard error can go to a descriptor, which stays open")
    func descriptor() async throws {
        try await withDirectory { directory in
            let file = open("\(directory)/both", O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0o600)
            defer { close(file) }
            var configuration = CommandLauncher.Configuration()
            configuration.output = .fileDescriptor(file)
            let launcher = try CommandLauncher(
                command: ["sh", "-c", "echo out; echo err >&2"], configuration: configuration)
            for _ in 0..<2 { _ = try await launcher.launch(job) }
            let written = try contents(of: "\(directory)/both")
            #expect(written == "out\nerr\nout\nerr\n")
        }
    }

    @Test("a job whose name is no UUID cannot lead out of the directory")
    func fileName() async throws {
        try await withDirectory { directory in
            var configuration = CommandLauncher.Configuration()
            configuration.output = .files(directory: directory)
            let launcher = try CommandLauncher(command: ["true"], configuration: configuration)
            _ = try await launcher.launch(
                LaunchedJob(scheduled: ScheduledJob(id: "../../x/y"), acquisitionToken: Secret("t")))
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["______x_y.log"])
        }
    }

    @Test("cancelling sends SIGTERM to the command and to what it started")
    func cancel() async throws {
        try await withDirectory { directory in
            var configuration = CommandLauncher.Configuration()
            configuration.output = .files(directory: directory)
            configuration.gracePeriod = .seconds(3600)
            let script = """
                (trap 'echo child-stopped; exit 0' TERM; echo child-ready; while :; do sleep 0.01; done) &
                trap 'wait; echo parent-stopped; exit 5' TERM
                echo parent-ready; wait
                """
            let launcher = try CommandLauncher(command: ["sh", "-c", script], configuration: configuration)
            let launch = Task { try await launcher.launch(job) }
            let path = "\(directory)/\(job.id).log"
            try await wait(for: "child-ready", in: path)
            try await wait(for: "parent-ready", in: path)
            launch.cancel()
            _ = await launch.result
            let output = try contents(of: path)
            #expect(output.contains("child-stopped"))
            #expect(output.contains("parent-stopped"))
        }
    }

    @Test("what ignores SIGTERM is killed after the grace period, a child that outlives the command too")
    func kill() async throws {
        try await withDirectory { directory in
            var configuration = CommandLauncher.Configuration()
            configuration.output = .files(directory: directory)
            configuration.gracePeriod = .milliseconds(100)
            let script = "sh -c 'trap \"\" TERM; echo child $$; while :; do sleep 0.01; done' & echo ready; wait"
            let launcher = try CommandLauncher(command: ["sh", "-c", script], configuration: configuration)
            let launch = Task { try await launcher.launch(job) }
            let path = "\(directory)/\(job.id).log"
            try await wait(for: "ready", in: path)
            try await wait(for: "child ", in: path)
            launch.cancel()
            _ = await launch.result
            let child = try #require(
                try contents(of: path).split(separator: "\n").first { $0.hasPrefix("child ") }?.split(separator: " ")
                    .last)
            // Killed, though perhaps not reaped by the system's first process: a zombie at last, or no process.
            let process = try #require(pid_t(child))
            while Self.runs(process) { try await Task.sleep(for: .milliseconds(1)) }
        }
    }

    /// Whether the process is there, and no mere entry that the system's first process has yet to clear away.
    private static func runs(_ process: pid_t) -> Bool {
        #if os(Linux)
            let status =
                (try? Data(contentsOf: URL(filePath: "/proc/\(process)/stat")))
                .map { String(decoding: $0, as: UTF8.self) } ?? ") Z"
            return !status.contains(") Z") && !status.contains(") X")
        #else
            return signal(0, process) == 0
        #endif
    }

    private static func signal(_ number: Int32, _ process: pid_t) -> Int32 {
        #if canImport(Darwin)
            Darwin.kill(process, number)
        #elseif canImport(Musl)
            Musl.kill(process, number)
        #else
            Glibc.kill(process, number)
        #endif
    }

    @Test("a launch that is cancelled before it starts leaves no process behind")
    func cancelledBefore() async throws {
        try await withDirectory { directory in
            var configuration = CommandLauncher.Configuration()
            configuration.output = .files(directory: directory)
            configuration.gracePeriod = .seconds(3600)
            let launcher = try CommandLauncher(command: ["sleep", "3600"], configuration: configuration)
            let launch = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await launcher.launch(job)
            }
            if case .success(let exit) = await launch.result { #expect(exit.status == 128 + SIGTERM) }
        }
    }

    @Test(
        "a command that is no executable file is refused at once, naming it and nothing else",
        arguments: ["/no/such/agent", "no-such-agent", "/etc/passwd", "/tmp"])
    func missing(name: String) throws {
        let error = #expect(throws: ConfigurationError.self) {
            try CommandLauncher(command: [name, "--secret=hunter2"])
        }
        #expect(error?.message.contains("The command \(name) ") == true)
        #expect(error?.message.contains("hunter2") == false)
    }

    @Test("a command is looked for where its process would look: in its own PATH and working directory")
    func lookup() async throws {
        try await withDirectory { directory in
            let script = "\(directory)/own-agent"
            try Data("#!/bin/sh\n".utf8).write(to: URL(filePath: script))
            chmod(script, 0o700)
            var configuration = CommandLauncher.Configuration()
            configuration.output = .discarded
            configuration.environment = ["PATH": directory]
            #expect(
                try await CommandLauncher(command: ["own-agent"], configuration: configuration).launch(job).status == 0)
            configuration.environment = [:]
            #expect(throws: ConfigurationError.self) {
                try CommandLauncher(command: ["own-agent"], configuration: configuration)
            }
            configuration.workingDirectory = directory
            #expect(
                try await CommandLauncher(command: ["./own-agent"], configuration: configuration).launch(job).status
                    == 0)
        }
    }

    @Test("a command that is gone later makes the launcher unusable, naming the command and nothing else")
    func vanished() async throws {
        try await withDirectory { directory in
            let launcher = try vanishing(in: directory)
            let error = await #expect(throws: StackControllerError.self) { try await launcher.launch(job) }
            #expect(error?.code == .launcherUnusable)
            #expect(error?.message.contains("\(directory)/agent") == true)
            #expect(error?.message.contains("hunter2") == false)
            #expect(error?.message.contains("bkjat") == false)
        }
    }

    /// A launcher whose command was there when it was made.
    private func vanishing(
        in directory: String, configuration: CommandLauncher.Configuration = .init()
    ) throws -> CommandLauncher {
        let path = "\(directory)/agent"
        try Data("#!/bin/sh\n".utf8).write(to: URL(filePath: path))
        chmod(path, 0o700)
        defer { unlink(path) }
        return try CommandLauncher(command: [path, "--secret=hunter2"], configuration: configuration)
    }

    #if os(Linux)
        @Test("launches, failed ones too, leave no file open")
        func descriptors() async {
            // In a process of its own: the files of other tests are not in it.
            await #expect(processExitsWith: .success) {
                func open() throws -> Int { try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count }
                let tests = CommandLauncherTests()
                // The first task that sleeps has the system's event queue opened, which stays.
                try await Task.sleep(for: .microseconds(1))
                try await tests.withDirectory { directory in
                    var configuration = CommandLauncher.Configuration()
                    configuration.output = .files(directory: directory)
                    let missing = try tests.vanishing(in: directory, configuration: configuration)
                    let present = try CommandLauncher(command: ["true"], configuration: configuration)
                    await #expect(throws: StackControllerError.self) { try await missing.launch(tests.job) }
                    _ = try await present.launch(tests.job)
                    let before = try open()
                    for _ in 0..<100 {
                        await #expect(throws: StackControllerError.self) { try await missing.launch(tests.job) }
                        _ = try await present.launch(tests.job)
                    }
                    // The system opens some for itself now and then, and keeps them; a launch that left one would leave 100.
                    #expect(try open() < before + 50)
                }
            }
        }
    #endif

    @Test("a command that cannot be one is refused", arguments: [[], [""], ["a\0b"]] as [[String]])
    func refused(command: [String]) {
        #expect(throws: ConfigurationError.self) { try CommandLauncher(command: command) }
    }
}
