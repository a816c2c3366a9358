public import StacksTransport
import Synchronization

#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

/// The Stacks API in memory: an organization's queues, jobs, stacks, reservations, tokens and rate limits.
///
/// Use it to test code that uses the API without Buildkite. Create it with a clock, add jobs, and pass
/// ``transport(clock:recordsRequests:)`` to the client under test:
///
/// ```swift
/// let clock = ManualClock()
/// let simulator = StacksSimulator(clock: clock)
/// let jobs = simulator.addJobs(3)
/// // … the client under test reserves the jobs, and stops …
/// clock.advance(by: .seconds(900))
/// let state = simulator.job(jobs[0])?.state  // scheduled again
/// ```
///
/// It is deterministic: equal seeds, times and calls give equal bytes. It never waits and never starts a task; effects of
/// time are applied by the next call. All methods are thread-safe.
public final class StacksSimulator: Sendable {
    let state: Mutex<SimulatorState>
    private let clock: any SimulatorClock
    private let configuration: Configuration
    /// The path of the API.
    let basePath: String

    /// The agent token of the first organization.
    public let token: String

    /// Creates a simulator without jobs.
    ///
    /// - Parameters:
    ///   - configuration: Limits, seed and organizations. Default: the documented limits and one organization.
    ///   - clock: The clock of the simulator. Default: the system's.
    public init(configuration: Configuration = Configuration(), clock: any SimulatorClock = SystemClock()) {
        let state = SimulatorState(configuration: configuration)
        self.configuration = configuration
        token = state.organizations.first?.token ?? ""
        self.state = Mutex(state)
        self.clock = clock
        basePath = configuration.basePath
    }

    /// Makes the simulator as it was when it was created: without jobs, stacks, agents and faults, and with the tokens,
    /// queues and limits of its configuration. Only its clock goes on.
    ///
    /// - Parameter seed: Another seed, for other UUIDs and job tokens. By default the same ones come again, so that what was
    ///   meant for a job of before may reach a job of the same UUID.
    public func reset(seed: UInt64? = nil) { reset(seed: seed) { _, _ in } }

    /// The same, and what follows it at once.
    func reset(seed: UInt64?, _ andThen: (inout SimulatorState, Date) -> Void) {
        state.withLock { state in
            var configuration = configuration
            if let seed {
                configuration.seed = seed
                for (index, organization) in state.organizations.enumerated() {
                    configuration.organizations[index].token = organization.token
                }
            }
            // It goes on, so that whoever compares it sees that the jobs are others.
            let events = state.lastEvents.count
            state = SimulatorState(configuration: configuration)
            state.lastEvents = LastEvents(count: events + 1)
            andThen(&state, clock.date)
        }
    }

    /// The time by the simulator's clock.
    public var date: Date { clock.date }

    /// Responds to a request at once, ignoring the delay of a fault.
    ///
    /// - Throws: The error of a fault that prevents the response.
    public func respond(to request: TransportRequest) throws(TransportError) -> TransportResponse {
        try outcome(of: request).result.get()
    }

    /// The outcome of a request, and the delay of a fault.
    package func outcome(of request: TransportRequest) -> (
        result: Result<TransportResponse, TransportError>, delay: Duration
    ) {
        // The route is parsed before the lock is taken, because all requests wait for it.
        let route = Result { () throws(Refusal) in
            try SimulatorRoute(method: request.method, target: request.path, basePath: basePath)
        }
        // The clock is read under the lock, so that time does not go back between requests.
        let outcome = state.withLock { $0.respond(to: request, for: route, at: clock.date) }
        return (outcome.result, outcome.delay)
    }

    /// A transport whose server is this simulator.
    ///
    /// - Parameters:
    ///   - clock: The clock for deadlines and the delays of faults.
    ///   - recordsRequests: Whether the transport keeps every request. Turn it off for very many requests.
    public func transport(
        clock: any Clock<Duration> = ContinuousClock(), recordsRequests: Bool = true
    ) -> InMemoryTransport {
        InMemoryTransport(clock: clock, source: .simulator(self), recordsRequests: recordsRequests)
    }

    /// Calls `body` with the state after all effects of time.
    func withState<Result>(_ body: (inout SimulatorState, Date) -> Result) -> Result {
        state.withLock { state in
            let now = clock.date
            state.passTime(at: now)
            return body(&state, now)
        }
    }
}
