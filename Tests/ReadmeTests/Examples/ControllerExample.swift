import CommandLaunching
import Logging
import ServiceLifecycle
import StacksAPI
import StacksCommandLauncher
import StacksController
import StacksCurl
import UnixSignals

struct ContainerLauncher: JobLauncher {
    func launch(_ job: LaunchedJob) async throws -> JobExit {
        let run = ["docker", "run", "--rm", "--label", "job=\(job.id)"]
        let variables = ["--env", "BUILDKITE_AGENT_TOKEN", "--env", "BUILDKITE_AGENT_ACQUIRE_JOB"]
        let agent = try CommandLauncher(command: run + variables + ["buildkite/agent:3", "start"])
        return try await agent.launch(job)
    }
}

func runStack(token: String) async throws {
    let logger = Logger(label: "containers")
    try await withCurlTransport { transport in
        let client = try StacksClient(token: token, transport: transport, logger: logger)
        var configuration = StackController.Configuration(stackKey: "containers", queue: "linux")
        configuration.tags = ["os": "linux"]
        configuration.maximumInFlight = 4
        let controller = try StackController(
            client: client, configuration: configuration, launcher: ContainerLauncher(), logger: logger)
        let group = ServiceGroup(services: [controller], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        try await group.run()
    }
}

func runController(client: StacksClient, launcher: some JobLauncher, logger: Logger) async throws {
    var configuration = StackController.Configuration(stackKey: "mac-fleet", queue: "mac")
    configuration.tags = ["os": "macos"]
    let controller = try StackController(
        client: client, configuration: configuration, launcher: launcher, logger: logger)
    try await controller.run()
}
