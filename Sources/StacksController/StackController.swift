public import Logging
public import ServiceLifecycle
public import StacksAPI

/// Runs a stack: polls for scheduled jobs, reserves those that suit, and launches an agent for each.
public final class StackController: Service {
    /// What the controller is doing now.
    public var status: ControllerStatus { ControllerStatus() }

    /// A controller that talks through `client` and starts agents with `launcher`.
    ///
    /// - Parameter clock: Measures every interval of the configuration; a test gives its own.
    /// - Throws: ``StackControllerError`` with the code `invalidConfiguration`.
    public init(
        client: StacksClient,
        configuration: Configuration,
        launcher: any JobLauncher,
        logger: Logger,
        clock: any Clock<Duration> = ContinuousClock()
    ) throws {
        try configuration.validate()
    }

    /// Registers the stack and works until it is shut down.
    public func run() async throws {}

    /// Takes no further jobs, lets the running ones end, and makes ``run()`` return.
    public func drain() {}
}
