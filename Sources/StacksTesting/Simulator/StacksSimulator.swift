public import StacksTransport
import Synchronization

#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

/// A whole Stacks API in memory: an organisation's queues, jobs, stacks, reservations, tokens and limits.
///
/// It is for testing what is built on the API without Buildkite. Give it a clock and a seed, add jobs, and hand
/// ``transport(clock:recordsRequests:)`` to the client under test:
///
/// ```swift
/// let clock = ManualClock()
/// let simulator = StacksSimulator(clock: clock)
/// let jobs = simulator.addJobs(3)
/// // … the client under test reserves them, and dies …
/// clock.advance(by: .seconds(900))
/// let state = simulator.job(jobs[0])?.state  // scheduled again
/// ```
///
/// It is deterministic: the same seed, the same times and the same calls give the same bytes. It never waits and never
/// starts a task; what depends on time happens when somebody looks. All methods may be called from any thread.
public final class StacksSimulator: Sendable {
    let state: Mutex<SimulatorState>
    private let clock: any SimulatorClock
    /// The path that the API is under.
    let basePath: String

    /// The agent token of the first organisation.
    public let token: String

    /// A simulator without jobs.
    ///
    /// - Parameters:
    ///   - configuration: Limits, seed and organisations; the documented limits and one organisation when left out.
    ///   - clock: Tells the time; the machine's own when left out.
    public init(configuration: Configuration = Configuration(), clock: any SimulatorClock = SystemClock()) {
        let state = SimulatorState(configuration: configuration)
        token = state.organizations.first?.token ?? ""
        self.state = Mutex(state)
        self.clock = clock
        basePath = configuration.basePath
    }

    /// The time by the simulator's clock.
    public var date: Date { clock.date }

    /// Answers a request at once, whatever delay a fault may ask for.
    ///
    /// - Throws: What a fault says, where one strikes that leaves the request without an answer.
    public func respond(to request: TransportRequest) throws(TransportError) -> TransportResponse {
        try outcome(of: request).result.get()
    }

    /// What comes of a request, and how long a fault wants that to take.
    package func outcome(of request: TransportRequest) -> (
        result: Result<TransportResponse, TransportError>, delay: Duration
    ) {
        // The clock is read under the lock, so that time does not run backwards from one request to the next.
        let outcome = state.withLock { $0.answer(to: request, at: clock.date) }
        return (outcome.result, outcome.delay)
    }

    /// A transport whose server is this simulator.
    ///
    /// - Parameters:
    ///   - clock: What the delays of faults, and deadlines, are waited for on.
    ///   - recordsRequests: Whether the transport keeps every request; not for a million of them.
    public func transport(
        clock: any Clock<Duration> = ContinuousClock(), recordsRequests: Bool = true
    ) -> InMemoryTransport {
        InMemoryTransport(clock: clock, source: .simulator(self), recordsRequests: recordsRequests)
    }

    /// Does `body` with everything that is due by now done.
    func withState<Result>(_ body: (inout SimulatorState, Date) -> Result) -> Result {
        state.withLock { state in
            let now = clock.date
            state.expireReservations(at: now)
            return body(&state, now)
        }
    }
}
