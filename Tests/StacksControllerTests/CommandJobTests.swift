import Foundation
import StacksAPI
import StacksController
import StacksTransport
import Testing

@testable import CommandLaunching

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What commands get to know of their jobs, and how long it is there.
@Suite("A command knows its job", .serialized, .timeLimit(.minutes(5)))
struct CommandJobTests {
    private static let id = JobID("01989c5e-0000-7000-8000-00000000000a")

    /// Where launchers keep what they need, and scripts write what they find.
    private struct Place: Codable, Sendable {
        var root: String
        var keepsState: Bool
        var state: String { "\(root)/state" }

        /// A launcher of a script, which has the directory as `$1`.
        func launcher(
            _ script: String, configure: (inout CommandLauncher.Configuration) -> Void = { _ in }
        ) throws -> CommandLauncher {
            var configuration = CommandLauncher.Configuration()
            configuration.output = .files(directory: root)
            configuration.gracePeriod = .seconds(3600)
            if keepsState { configuration.stateDirectory = state }
            configure(&configuration)
            return try CommandLauncher(command: ["sh", "-c", script, "sh", root], configuration: configuration)
        }

        func contents(of name: String) throws -> String {
            String(decoding: try Data(contentsOf: URL(filePath: "\(root)/\(name)")), as: UTF8.self)
        }

        /// Waits until a script has made a file.
        func wait(for name: String) async throws {
            while !FileManager.default.fileExists(atPath: "\(root)/\(name)") {
                try await Task.sleep(for: .milliseconds(1))
            }
        }

        /// Checks that the file whose path a script has written to `path` is gone, with the directory that was for it.
        func expectNothingLeft(sourceLocation: SourceLocation = #_sourceLocation) throws {
            let path = try contents(of: "path")
            #expect(
                path.hasPrefix("/") && !FileManager.default.fileExists(atPath: path), sourceLocation: sourceLocation)
            if keepsState {
                let files = try FileManager.default.contentsOfDirectory(atPath: state)
                #expect(files == ["lock"], sourceLocation: sourceLocation)
            } else {
                let directory = URL(filePath: path).deletingLastPathComponent().path
                #expect(!FileManager.default.fileExists(atPath: directory), sourceLocation: sourceLocation)
            }
        }
    }

    private func withPlace(keepsState: Bool = false, _ body: (Place) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "job-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try await body(Place(root: directory.path, keepsState: keepsState))
    }

    private static func job(_ scheduled: ScheduledJob = ScheduledJob(id: id), details: Job? = nil) -> LaunchedJob {
        let details = details.map { details in { @Sendable () async throws -> Job in details } }
        return LaunchedJob(
            scheduled: scheduled, acquisitionToken: Secret("bkjat_secret"), stack: "fleet", queue: "mac",
            details: details)
    }

    /// Writes down where the file is, and a copy of it with its mode and that of its directory.
    private static let copy = """
        printf %s "$STACKS_JOB_FILE" >"$1/path"; cat "$STACKS_JOB_FILE" >"$1/copy"
        ls -ln "$STACKS_JOB_FILE" | cut -c 1-10 >"$1/mode"; ls -lnd "${STACKS_JOB_FILE%/*}" | cut -c 1-10 >>"$1/mode"
        """

    /// A text that is a command to whoever takes it for part of one, and does harm to whoever shows it.
    private static let hostile = "$(touch hostile) `touch hostile`; touch hostile\n\r\u{1B}[2J'\"\\ \u{2028}"

    @Test("a file holds the job as it was listed, with the API's names, for this user alone", arguments: [false, true])
    func file(keepsState: Bool) async throws {
        try await withPlace(keepsState: keepsState) { place in
            let listed = ScheduledJob(
                id: Self.id, priority: 5, agentQueryRules: ["queue=mac", "os=macos"],
                scheduledAt: Date(timeIntervalSince1970: 1_800_000_000.25),
                pipeline: .init(slug: "a/b", uuid: "01989c5e-0000-7000-8000-000000000001"),
                build: .init(number: 42, branch: Self.hostile), step: .init(key: nil))
            let launcher = try place.launcher(Self.copy + "; exit 7")
            // Not asked for what it runs.
            let job = LaunchedJob(scheduled: listed, acquisitionToken: Secret("bkjat_secret"))
            #expect(try await launcher.launch(job) == JobExit(status: 7))
            let json = try JSONSerialization.jsonObject(with: Data(place.contents(of: "copy").utf8))
            let expected: [String: Any] = [
                "id": "\(Self.id)", "priority": 5, "agent_query_rules": ["queue=mac", "os=macos"],
                "scheduled_at": "2027-01-15T08:00:00.250Z", "runnable_at": NSNull(),
                "pipeline": ["slug": "a/b", "uuid": "01989c5e-0000-7000-8000-000000000001"],
                "build": ["uuid": NSNull(), "number": 42, "branch": Self.hostile] as [String: Any],
                "step": ["key": NSNull()],
            ]
            #expect(json as? NSDictionary == expected as NSDictionary, "\(json)")
            #expect(try place.contents(of: "mode") == "-rw-------\ndrwx------\n")
            try place.expectNothingLeft()
        }
    }

    @Test("with its details it holds the command and the environment too", arguments: [false, true])
    func details(keepsState: Bool) async throws {
        try await withPlace(keepsState: keepsState) { place in
            let launcher = try place.launcher(Self.copy) { $0.jobFileContent = .details }
            let details = Job(
                id: Self.id, environment: ["A": Self.hostile, "B": String(repeating: "b", count: 200_000)],
                command: "make\0all")
            #expect(try await launcher.launch(Self.job(details: details)) == .success)
            let json = try JSONSerialization.jsonObject(with: Data(place.contents(of: "copy").utf8)) as? [String: Any]
            #expect(json?["env"] as? [String: String] == details.environment)
            #expect(json?["command"] as? String == "make\0all" && json?["id"] as? String == "\(Self.id)")
            #expect(try place.contents(of: "mode") == "-rw-------\ndrwx------\n")
            try place.expectNothingLeft()
        }
    }

    @Test(
        "details that cannot be read fail the job only when that is because of the job",
        arguments: [
            (.notFound, true), (.decoding, true), (.unavailable, false), (.transport, false), (.unauthorized, false),
            (.rateLimited, false),
        ] as [(StacksAPIError.Code, Bool)])
    func unreadableDetails(code: StacksAPIError.Code, isOfJob: Bool) async throws {
        try await withPlace { place in
            let launcher = try place.launcher("touch \"$1/started\"") { $0.jobFileContent = .details }
            let job = LaunchedJob(scheduled: ScheduledJob(id: Self.id), acquisitionToken: Secret("t")) {
                throw StacksAPIError(code: code, operation: .job, message: "No.")
            }
            if isOfJob {
                await #expect(throws: CommandLaunchError.self) { try await launcher.launch(job) }
            } else {
                await #expect(throws: LauncherUnavailable.self) { try await launcher.launch(job) }
            }
            #expect(!FileManager.default.fileExists(atPath: "\(place.root)/started"))
        }
    }

    @Test("a hostile job is data: its command sees what it may, and nothing is executed", arguments: [false, true])
    func hostile(keepsState: Bool) async throws {
        try await withPlace(keepsState: keepsState) { place in
            let harmless = "$(touch hostile) `touch hostile`; \u{1B}[2J '\"\\"
            let scheduled = ScheduledJob(
                id: Self.id,
                agentQueryRules: ["os=\(harmless)", "\(Self.hostile)=x", "BUILDKITE_AGENT_TOKEN=x", "S=x"],
                pipeline: .init(slug: Self.hostile), build: .init(branch: harmless), step: .init(key: "a\0b"))
            let script = """
                cd "$1"; printf %s "$STACKS_JOB_BRANCH" >branch; printf %s "$STACKS_JOB_RULE_OS" >os
                printf %s "$STACKS_JOB_RULES" >rules; printf %s "$BUILDKITE_AGENT_TOKEN" >token
                echo "${STACKS_JOB_PIPELINE-unset} ${STACKS_JOB_STEP-unset}" >unset; env >env; \(Self.copy)
                """
            let launcher = try place.launcher(script)
            #expect(try await launcher.launch(Self.job(scheduled)) == .success)
            #expect(try place.contents(of: "branch") == harmless && place.contents(of: "os") == harmless)
            #expect(try place.contents(of: "rules") == "os=\(harmless)\nBUILDKITE_AGENT_TOKEN=x\nS=x")
            #expect(try place.contents(of: "token") == "bkjat_secret")
            #expect(try place.contents(of: "unset") == "unset unset\n")
            #expect(!FileManager.default.fileExists(atPath: "\(place.root)/hostile"))
            try place.expectNothingLeft()
        }
    }

    @Test("nothing that a job has is too long for it to be launched", arguments: [false, true])
    func long(keepsState: Bool) async throws {
        try await withPlace(keepsState: keepsState) { place in
            let branch = String(repeating: "b", count: 1 << 20)
            let rules = (0..<2000).map { "key\($0)=\(String(repeating: "v", count: 1000))" }
            let scheduled = ScheduledJob(id: Self.id, agentQueryRules: rules, build: .init(branch: branch))
            let launcher = try place.launcher(
                "echo \"${STACKS_JOB_BRANCH-unset}\" >\"$1/branch\"; \(Self.copy); exit 4")
            #expect(try await launcher.launch(Self.job(scheduled)) == JobExit(status: 4))
            #expect(try place.contents(of: "branch") == "unset\n")
            let json = try JSONSerialization.jsonObject(with: Data(place.contents(of: "copy").utf8)) as? [String: Any]
            #expect((json?["build"] as? [String: Any])?["branch"] as? String == branch)
            #expect(json?["agent_query_rules"] as? [String] == rules)
        }
    }

    #if os(Linux)
        @Test("a job's variables take what the system's limit leaves, and no more", arguments: [false, true])
        func systemLimit(keepsState: Bool) async throws {
            try await withPlace(keepsState: keepsState) { place in
                await #expect(processExitsWith: .success) { [place = place as Place] in
                    // Linux gives a command a quarter of this for its arguments and its environment, here 128 KiB.
                    var limit = rlimit()
                    getrlimit(__rlimit_resource_t(RLIMIT_STACK.rawValue), &limit)
                    limit.rlim_cur = 512 << 10
                    guard setrlimit(__rlimit_resource_t(RLIMIT_STACK.rawValue), &limit) == 0 else { exit(1) }
                    let rules = (0..<60).map { "key\($0)=\(String(repeating: "v", count: 1000))" }
                    let job = CommandJobTests.job(ScheduledJob(id: CommandJobTests.id, agentQueryRules: rules))
                    for size in stride(from: 10_000, to: 110_000, by: 10_000) {
                        let state = "\(place.state)-\(size)"
                        let launcher = try place.launcher("test -r \"$STACKS_JOB_FILE\" && exit 6") { configuration in
                            configuration.inheritance = .only(["PATH"])
                            configuration.environment = ["BIG": String(repeating: "b", count: size)]
                            if place.keepsState { configuration.stateDirectory = state }
                        }
                        guard try await launcher.launch(job).status == 6 else { exit(2) }
                    }
                }
            }
        }
    #endif

    @Test("what the controller's own environment says of a job is kept from commands")
    func inherited() async throws {
        try await withPlace { place in
            await #expect(processExitsWith: .success) { [place = place as Place] in
                setenv("STACKS_JOB_BRANCH", "of another job", 1)
                setenv("STACKS_JOB_RULE_OS", "of another job", 1)
                let launcher = try place.launcher("env | grep ^STACKS_JOB_ >\"$1/env\"") {
                    $0.environment = ["STACKS_JOB_MORE": "own", "STACKS_JOB_ID": "own"]
                }
                _ = try await launcher.launch(CommandJobTests.job())
                let lines = try place.contents(of: "env").split(separator: "\n").filter { !$0.contains("_FILE=") }
                #expect(
                    lines.sorted() == [
                        "STACKS_JOB_ID=\(CommandJobTests.id)", "STACKS_JOB_PRIORITY=0", "STACKS_JOB_QUEUE=mac",
                        "STACKS_JOB_RULES=", "STACKS_JOB_STACK=fleet",
                    ])
            }
        }
    }

    @Test("the file is gone when the command was cancelled", arguments: [false, true])
    func cancelled(keepsState: Bool) async throws {
        try await withPlace(keepsState: keepsState) { place in
            let script =
                "trap 'exit 5' TERM; \(Self.copy); touch \"$1/ready\"; while [ -d \"$1\" ]; do sleep 0.01; done"
            let launcher = try place.launcher(script)
            let launch = Task { try await launcher.launch(Self.job()) }
            try await place.wait(for: "ready")
            launch.cancel()
            #expect(try await launch.value.status == 5)
            try place.expectNothingLeft()
        }
    }

    @Test("the file is gone when the launch has failed", arguments: [false, true])
    func failed(keepsState: Bool) async throws {
        try await withPlace(keepsState: keepsState) { place in
            await #expect(processExitsWith: .success) { [place = place as Place] in
                mkdir("\(place.root)/tmp", 0o700)
                setenv("TMPDIR", "\(place.root)/tmp", 1)
                let launcher = try place.launcher("true") { $0.output = .files(directory: "\(place.root)/nowhere") }
                await #expect(throws: StackControllerError.self) { try await launcher.launch(CommandJobTests.job()) }
                let zero = try place.launcher("true") {
                    $0.environment = ["A": "a\0b"]
                    if place.keepsState { $0.stateDirectory = "\(place.state)-2" }
                }
                await #expect(throws: CommandLaunchError.self) { try await zero.launch(CommandJobTests.job()) }
                #expect(try FileManager.default.contentsOfDirectory(atPath: "\(place.root)/tmp") == [])
                for state in place.keepsState ? [place.state, "\(place.state)-2"] : [] {
                    #expect(try FileManager.default.contentsOfDirectory(atPath: state) == ["lock"])
                }
            }
        }
    }

    @Test("the file outlives its controller with the command, and is gone when the next one has seen that end")
    func recovered() async throws {
        try await withPlace(keepsState: true) { place in
            let script = """
                \(Self.copy); touch "$1/ready"
                until [ -e "$1/go" ] || ! [ -d "$1" ]; do sleep 0.01; done; cat "$STACKS_JOB_FILE" >"$1/again"
                """
            await #expect(processExitsWith: .signal(SIGKILL)) { [place = place as Place, script = script as String] in
                let launcher = try place.launcher(script)
                async let launch = launcher.launch(CommandJobTests.job())
                try await place.wait(for: "ready")
                kill(getpid(), SIGKILL)
                _ = try await launch
            }
            // Of another job, which was not launched any more.
            try Data("{}".utf8).write(to: URL(filePath: "\(place.state)/stale.json"))
            let launcher = try place.launcher(script)
            #expect(try await launcher.recover() == [Self.id])
            #expect(!FileManager.default.fileExists(atPath: "\(place.state)/stale.json"))
            try Data().write(to: URL(filePath: "\(place.root)/go"))
            #expect(try await launcher.follow(Self.id) == .success)
            #expect(try place.contents(of: "again") == place.contents(of: "copy"))
            try place.expectNothingLeft()
        }
    }

    @Test("the path is absolute where the state directory is not")
    func relative() async throws {
        try await withPlace { place in
            await #expect(processExitsWith: .success) { [place = place as Place] in
                guard chdir(place.root) == 0 else { exit(1) }
                let launcher = try place.launcher("cd /; \(CommandJobTests.copy)") { $0.stateDirectory = "relative" }
                guard try await launcher.launch(CommandJobTests.job()) == .success else { exit(2) }
                guard try place.contents(of: "copy").contains("\(CommandJobTests.id)") else { exit(3) }
            }
        }
    }

    @Test("a temporary directory that cannot hold such a file is refused, unless there is a state directory")
    func temporaryDirectory() async throws {
        try await withPlace { place in
            await #expect(processExitsWith: .success) { [place = place as Place] in
                mkdir("\(place.root)/shared", 0o700)
                chmod("\(place.root)/shared", 0o777)
                for directory in ["\(place.root)/nowhere", "\(place.root)/shared"] {
                    setenv("TMPDIR", directory, 1)
                    let error = #expect(throws: ConfigurationError.self) { try place.launcher("true") }
                    #expect(error?.message.contains(directory) == true && error?.message.contains("TMPDIR") == true)
                    _ = try place.launcher("true") { $0.stateDirectory = place.state }
                }
            }
        }
    }
}
