import Logging
import ServiceLifecycle
import StacksAPI
import StacksController
import StacksCurl
import UnixSignals

struct VirtualMachineLauncher: JobLauncher {
    func launch(_ job: LaunchedJob) async throws -> JobExit {
        let machine = try await VirtualMachine.boot(image: "macos-15")
        let agent = [
            "BUILDKITE_AGENT_TOKEN": job.acquisitionToken.value,
            "BUILDKITE_AGENT_ACQUIRE_JOB": job.id.description,
        ]
        return JobExit(status: try await machine.run("buildkite-agent start", environment: agent))
    }
}

func runStack(token: String) async throws {
    let logger = Logger(label: "mac-fleet")
    try await withCurlTransport { transport in
        let client = try StacksClient(token: token, transport: transport, logger: logger)
        var configuration = StackController.Configuration(stackKey: "mac-fleet", queue: "macos")
        configuration.tags = ["os": "macos", "arch": "arm64"]
        configuration.maximumInFlight = 4
        let controller = try StackController(
            client: client, configuration: configuration, launcher: VirtualMachineLauncher(), logger: logger)
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

/// Stands for whatever boots the machines of a fleet.
struct VirtualMachine {
    static func boot(image: String) async throws -> VirtualMachine { VirtualMachine() }

    func run(_ command: String, environment: [String: String]) async throws -> Int32 { 0 }
}
