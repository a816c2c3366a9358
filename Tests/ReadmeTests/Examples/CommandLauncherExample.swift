import CommandLaunching
import Logging
import ServiceLifecycle
import StacksAPI
import StacksCommandLauncher
import StacksController
import UnixSignals

func runAgents(client: StacksClient, token: Secret, logger: Logger) async throws {
    ControllerProcess.hideMemory()
    ControllerProcess.erase(token)
    var commands = CommandLauncher.Configuration()
    commands.secrets = [token]
    commands.stateDirectory = "/var/lib/fleet/state"
    let launcher = try CommandLauncher(command: ["buildkite-agent", "start"], configuration: commands)
    let controller = try StackController(
        client: client, configuration: .init(stackKey: "fleet", queue: "linux"), launcher: launcher, logger: logger)
    let group = ServiceGroup(services: [controller], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
    try await group.run()
}
