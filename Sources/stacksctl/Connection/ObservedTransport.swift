import StacksTransport
import Synchronization

/// Counts what passes through another transport, for a summary at the end.
final class ObservedTransport: HTTPTransport {
    /// What was seen so far.
    struct Tally: Sendable {
        /// Requests handed to the transport, repetitions included.
        var requests = 0
        /// Those that brought an answer, whatever its status.
        var answers = 0
        /// The versions of HTTP that answers came in.
        var httpVersions: Set<String> = []
        /// Answers that came over a connection made for them.
        var freshConnections = 0
    }

    private let base: any HTTPTransport
    private let state = Mutex(Tally())

    init(_ base: any HTTPTransport) {
        self.base = base
    }

    var tally: Tally { state.withLock { $0 } }

    nonisolated(nonsending) func send(_ request: TransportRequest) async throws -> TransportResponse {
        state.withLock { $0.requests += 1 }
        let response = try await base.send(request)
        state.withLock { tally in
            tally.answers += 1
            guard let metrics = response.metrics else { return }
            if let version = metrics.httpVersion { tally.httpVersions.insert(version.description) }
            if !metrics.reusedConnection { tally.freshConnections += 1 }
        }
        return response
    }
}

extension ObservedTransport: ProxiedTransport {
    func plaintextProxy(for origin: String) -> String? {
        (base as? any ProxiedTransport)?.plaintextProxy(for: origin)
    }
}
