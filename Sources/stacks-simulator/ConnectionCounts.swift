import HummingbirdCore
import Logging
import NIOCore
import NIOSSL
import Synchronization

/// How many connections were opened, and which versions of HTTP the requests came in.
final class ConnectionCounts: Sendable {
    private struct State {
        var connections = 0
        var requests: [String: Int] = [:]
    }

    private let state = Mutex(State())

    /// Connections opened so far, and requests to the API by version of HTTP.
    var snapshot: (connections: Int, requests: [String: Int]) { state.withLock { ($0.connections, $0.requests) } }

    func reset() { state.withLock { $0 = State() } }

    func countConnection() { state.withLock { $0.connections += 1 } }

    func countRequest(httpVersion: String) { state.withLock { $0.requests[httpVersion, default: 0] += 1 } }
}

/// A channel that counts its connections.
private struct CountingChannel<Base: ServerChildChannel>: ServerChildChannel {
    var base: Base
    var counts: ConnectionCounts

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
        counts.countConnection()
        return base.setup(channel: channel, logger: logger)
    }

    func handle(value: Base.Value, logger: Logger) async { await base.handle(value: value, logger: logger) }
}

extension HTTPServerBuilder {
    /// HTTP/1.1 in plaintext.
    static func counting(_ counts: ConnectionCounts) -> HTTPServerBuilder {
        HTTPServerBuilder { CountingChannel(base: HTTP1Channel(responder: $0), counts: counts) }
    }

    /// TLS, with HTTP/2 or HTTP/1.1 as the client chooses (ALPN).
    static func counting(_ counts: ConnectionCounts, _ tls: TLSConfiguration) -> HTTPServerBuilder {
        HTTPServerBuilder {
            CountingChannel(base: try NegotiatingChannel(tls: tls, responder: $0), counts: counts)
        }
    }
}
