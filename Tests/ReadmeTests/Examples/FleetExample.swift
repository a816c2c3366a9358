import Logging
import ServiceLifecycle
import StacksAPI
import StacksController
import StacksCurl
import UnixSignals

func runFleet(token: String, launcher: some JobLauncher) async throws {
    let logger = Logger(label: "minis")
    try await withCurlTransport { transport in
        let client = try StacksClient(token: token, transport: transport, logger: logger)
        let slots = try SlotPool(slots: 2)
        let controllers = try ["xcode-15", "xcode-16"].map { queue in
            var configuration = StackController.Configuration(stackKey: "mini-1-\(queue)", queue: QueueKey(queue))
            configuration.maximumInFlight = 2
            return try StackController(
                client: client, configuration: configuration, launcher: launcher, logger: logger, slots: slots)
        }
        let fleet = try StackFleet(controllers, logger: logger)
        let group = ServiceGroup(services: [fleet], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        try await group.run()
    }
}
