import Synchronization

/// A request that a server received.
public struct ReceivedRequest: Sendable {
    public var method: String
    public var path: String
    /// The header fields in the order of arrival, with lowercase names.
    public var fields: [(name: String, value: String)]
    public var body: [UInt8] = []
    /// The number of its connection.
    public var connection: Int

    /// The first field with a name.
    public subscript(name: String) -> String? { fields.first { $0.name == name }?.value }
}

/// The requests of a server in the order of arrival, recorded when their heads are complete.
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
