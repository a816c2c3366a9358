import CommandLaunching
import StacksAPI
import StacksCommandLauncher
import StacksController

/// Runs an agent here for each job, and tells what it costs.
struct AgentLauncher: JobLauncher {
    let agent: CommandLauncher

    init(token: Secret) throws {
        var configuration = CommandLauncher.Configuration()
        configuration.secrets = [token]
        configuration.stateDirectory = "/var/lib/fleet/state"
        configuration.output = .files(directory: "/var/log/fleet")
        agent = try CommandLauncher(command: ["buildkite-agent", "start"], configuration: configuration)
    }

    func launch(_ job: LaunchedJob) async throws -> JobExit {
        let clock = ContinuousClock()
        let start = clock.now
        let exit = try await agent.launch(job)
        print("\(job.id) took \(start.duration(to: clock.now))")
        return exit
    }

    func recover() async throws -> [JobID] { try await agent.recover() }

    func follow(_ job: JobID) async throws -> JobExit? { try await agent.follow(job) }
}
