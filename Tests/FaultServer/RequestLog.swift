import Synchronization

/// A request as it reached a server.
public struct ReceivedRequest: Sendable {
    public var method: String
    public var path: String
    /// Names in lower case, in the order of arrival.
    public var fields: [(name: String, value: String)]
    public var body: [UInt8] = []
    /// The number of the connection it came on.
    public var connection: Int

    /// The first field of that name.
    public subscript(name: String) -> String? { fields.first { $0.name == name }?.value }
}

/// What has reached a server, in the order of arrival: noted as soon as a request's head is there.
final class RequestLog: Sendable {
    private struct State {
        var requests: [ReceivedRequest] = []
        var connections = 0
        var openConnections = 0
    }

    private let state = Mutex(State())

    var requests: [ReceivedRequest] { state.withLock { $0.requests } }
    var connections: Int { state.withLock { $0.connections } }
    var openConnections: Int { state.withLock { $0.openConnections } }

    func note(_ request: ReceivedRequest) { state.withLock { $0.requests.append(request) } }

    /// - Returns: The connection's number.
    func noteConnection() -> Int {
        state.withLock { state in
            state.connections += 1
            state.openConnections += 1
            return state.connections - 1
        }
    }

    func noteClosedConnection() { state.withLock { $0.openConnections -= 1 } }
}
