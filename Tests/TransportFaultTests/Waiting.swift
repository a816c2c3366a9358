import StacksTransport
import Synchronization
import Testing

/// Comes back when `condition` holds. It asks again and again, giving way to the other tasks: the test's own time limit
/// ends it if it never holds.
func wait(until condition: () throws -> Bool) async throws {
    while try !condition() { try await Task.sleep(for: .milliseconds(1)) }
}

extension Duration {
    /// So long that no call reaches the end of it, and no machine is so busy: the test's own time limit comes first.
    static let unreached = Duration.seconds(3600)
}

/// Makes a call that nothing but its time can end, and gives its error when it has got as far as `phase` by then. On a
/// machine that is busy it may not have: it is made again then, with twice the time.
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

/// The answer to a call whose connection has to be made within a short connect time-out: on a machine that is busy it may
/// take longer, and the call is made again.
func untilConnected(_ call: () async throws -> TransportResponse) async throws -> TransportResponse {
    while true {
        do {
            return try await call()
        } catch let error as TransportError where error.code == .timeout && error.phase < .sending {
            try Task.checkCancellation()
        }
    }
}

/// How often something has happened.
final class Count: Sendable {
    private let value = Atomic(0)

    var now: Int { value.load(ordering: .sequentiallyConsistent) }

    func add() { value.add(1, ordering: .sequentiallyConsistent) }
}
