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

@Suite("What the controller's process keeps to itself", .timeLimit(.minutes(5)))
struct ControllerProcessTests {
    private static func variables(
        _ configure: (inout CommandLauncher.Configuration) -> Void = { _ in }
    ) throws -> [String: String] {
        var configuration = CommandLauncher.Configuration()
        configure(&configuration)
        let job = LaunchedJob(scheduled: ScheduledJob(id: "a"), acquisitionToken: Secret("bkjat_job"))
        return try CommandEnvironment(configuration).variables(for: job, file: "/job.json", arguments: [])
    }

    @Test("no variable that holds the token reaches a command, whatever its name and whatever is around it")
    func secrets() async {
        await #expect(processExitsWith: .success) {
            setenv("BUILDKITE_AGENT_TOKEN", "bkct_own_token", 1)
            setenv("MY_COPY", "bkct_own_token", 1)
            setenv("HEADER", "Authorization: Token bkct_own_token;", 1)
            setenv("OF_A_FILE", "x bkct_from_a_file y", 1)
            setenv("SHORT", "1234567", 1)
            setenv("PORT", "1234567890", 1)
            let named = try Self.variables { $0.secrets = [Secret("bkct_from_a_file"), Secret("1234567"), Secret("")] }
            let seen = ["MY_COPY", "HEADER", "OF_A_FILE", "SHORT"].filter { named[$0] != nil }
            guard seen.isEmpty, named["PORT"] == "1234567890", named["PATH"] != nil else { exit(1) }
            guard named["BUILDKITE_AGENT_TOKEN"] == "bkjat_job" else { exit(2) }
            let only = try Self.variables { $0.inheritance = .only(["MY_COPY", "PORT"]) }
            guard only["MY_COPY"] == nil, only["PORT"] != nil else { exit(3) }
        }
    }

    @Test("a variable that cannot be one is said by its name, and nothing is started")
    func zeroByte() throws {
        let error = #expect(throws: CommandLaunchError.self) {
            try Self.variables { $0.environment = ["NAME": "a\0b"] }
        }
        #expect(error?.description.contains("NAME") == true)
    }

    @Test("a secret that is erased is gone from the environment, and from where it was in memory")
    func erased() async {
        await #expect(processExitsWith: .success) {
            setenv("STACKS_TEST_TOKEN", "bkct_erase_me", 1)
            setenv("STACKS_TEST_COPY", "Token bkct_erase_me", 1)
            setenv("STACKS_TEST_OTHER", "bkct_erase", 1)
            guard let value = getenv("STACKS_TEST_TOKEN"), let copy = getenv("STACKS_TEST_COPY") else { exit(1) }
            ControllerProcess.erase(Secret("bkct_erase_me"))
            ControllerProcess.erase(Secret(""))
            guard getenv("STACKS_TEST_TOKEN") == nil, value.pointee == 0 else { exit(2) }
            guard getenv("STACKS_TEST_COPY") == nil, copy.pointee == 0 else { exit(3) }
            guard getenv("STACKS_TEST_OTHER") != nil, getenv("PATH") != nil else { exit(4) }
        }
    }

    #if os(Linux)
        @Test("its memory is closed to others of its user, and that of its commands is not")
        func hidden() async {
            await #expect(processExitsWith: .success) {
                guard ControllerProcess.hideMemory() else { exit(1) }
                // Whose a process's files below /proc are shows whether it is closed; for root they look the same.
                var status = stat()
                guard stat("/proc/self/environ", &status) == 0, status.st_uid == 0 else { exit(2) }
                var configuration = CommandLauncher.Configuration()
                configuration.output = .discarded
                let script = "[ \"$(stat -c %u /proc/$$/environ)\" = \"$(id -u)\" ] || exit 4"
                let launcher = try CommandLauncher(command: ["sh", "-c", script], configuration: configuration)
                let job = LaunchedJob(scheduled: ScheduledJob(id: "a"), acquisitionToken: Secret("t"))
                exit(try await launcher.launch(job).status == 0 ? 0 : 5)
            }
        }
    #endif

    @Test("only a first process reaps what others have left behind")
    func notFirst() {
        #expect(!ControllerProcess.reapOrphansAsFirstProcess())
    }
}
