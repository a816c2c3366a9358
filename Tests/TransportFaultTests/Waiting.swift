import StacksTransport
import Synchronization
import Testing

/// Returns when `condition` holds. It yields between the checks; the test's time limit ends it if the condition never holds.
func wait(until condition: () throws -> Bool) async throws {
    while try !condition() { try await Task.sleep(for: .milliseconds(1)) }
}

extension Duration {
    /// Longer than any call takes, even on a busy machine: the test's time limit comes first.
    static let unreached = Duration.seconds(3600)
}

/// Makes a call that only its deadline can end, and returns its error once it reaches `phase` by then. On a busy machine,
/// it may not; then the call is repeated with twice the time.
func outlast(
    from phase: TransportError.Phase, _ limit: Duration = .milliseconds(200),
    sourceLocation: SourceLocation = #_sourceLocation,
    _ call: (_ limit: Duration) async throws -> TransportResponse
) async throws -> TransportError {
    var limit = limit
    while true {
        let thrown = await #expect(throws: TransportError.self, sourceLocation: sourceLocation) {
            try await call(limit)
        }
        let error = try #require(thrown, sourceLocation: sourceLocation)
        guard error.code == .timeout, error.phase < phase else { return error }
        try Task.checkCancellation()
        limit = limit * 2
    }
}

/// The response of a call with a short connect timeout. On a busy machine, connecting may take longer; then the call is
/// repeated.
func untilConnected(_ call: () async throws -> TransportResponse) async throws -> TransportResponse {
    while true {
        do {
            return try await call()
        } catch let error as TransportError where error.code == .timeout && error.phase < .sending {
            try Task.checkCancellation()
        }
    }
}

/// Counts events.
final class Count: Sendable {
    private let value = Atomic(0)

    var now: Int { value.load(ordering: .sequentiallyConsistent) }

    func add() { value.add(1, ordering: .sequentiallyConsistent) }
}
