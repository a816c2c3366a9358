import StacksTransport
import Synchronization
import Workload

/// Counts what a controller asks of another transport.
final class CountedTransport: HTTPTransport {
    struct Counts: Sendable {
        var requests = 0
        /// When scheduled jobs were listed.
        var polls: [ContinuousClock.Instant] = []
        /// Bytes of paths and bodies.
        var bytesSent = 0
        var bytesReceived = 0
    }

    private let base: any HTTPTransport
    private let clock: QuietClock?
    private let state = Mutex(Counts())

    /// - Parameter clock: Stands still during a request.
    init(_ base: any HTTPTransport, clock: QuietClock? = nil) {
        self.base = base
        self.clock = clock
    }

    var counts: Counts { state.withLock { $0 } }

    nonisolated(nonsending) func send(_ request: TransportRequest) async throws -> TransportResponse {
        clock?.requestBegins()
        defer { clock?.requestEnds() }
        state.withLock { counts in
            counts.requests += 1
            counts.bytesSent += request.path.utf8.count + (request.body?.count ?? 0)
            if Routes.isListing(request.path) { counts.polls.append(.now) }
        }
        let response = try await base.send(request)
        state.withLock { $0.bytesReceived += response.body.count }
        return response
    }
}
