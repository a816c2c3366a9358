import StacksTesting
import StacksTransport

/// A transport without deadlines: they are instants of the real clock, and would pass for a client on another one when the
/// machine is busy.
struct Timeless: HTTPTransport {
    let inner: InMemoryTransport

    func send(_ request: TransportRequest) async throws -> TransportResponse {
        var request = request
        request.deadline = nil
        return try await inner.send(request)
    }
}

extension StacksSimulator {
    /// This simulator's transport, for a client whose clock a test moves.
    func timelessTransport() -> Timeless { Timeless(inner: transport(recordsRequests: false)) }
}
