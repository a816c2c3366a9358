import StacksTransport
import Synchronization

/// Counts the requests of another transport, for the summary at the end.
final class ObservedTransport: HTTPTransport {
    /// The counts so far.
    struct Tally: Sendable {
        /// Requests handed to the transport, retries included.
        var requests = 0
        /// The versions of HTTP of the responses.
        var httpVersions: Set<String> = []
    }

    private let base: any HTTPTransport
    private let limits: RateLimitUse?
    private let state = Mutex(Tally())

    /// - Parameter limits: Is told what responses say of rate limits.
    init(_ base: any HTTPTransport, limits: RateLimitUse? = nil) {
        self.base = base
        self.limits = limits
    }

    var tally: Tally { state.withLock { $0 } }

    var preferredExecutor: (any TaskExecutor)? { base.preferredExecutor }

    nonisolated(nonsending) func send(_ request: TransportRequest) async throws -> TransportResponse {
        state.withLock { $0.requests += 1 }
        let response = try await base.send(request)
        state.withLock { tally in
            if let version = response.metrics?.httpVersion { tally.httpVersions.insert(version.description) }
        }
        limits?.note(response, to: request)
        return response
    }
}

extension ObservedTransport: ProxiedTransport {
    func plaintextProxy(for origin: String) -> String? {
        (base as? any ProxiedTransport)?.plaintextProxy(for: origin)
    }
}
