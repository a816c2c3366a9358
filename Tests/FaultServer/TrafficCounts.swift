import Synchronization

/// Counters of what a server has received.
public final class TrafficCounts: Sendable {
    private struct State {
        var connections = 0
        var openConnections = 0
        var requests = 0
        var resets = 0
        var arrivals = ArrivalCounts()
        var repeated = 0
    }

    private let state = Mutex(State())

    /// Connections accepted.
    public var connections: Int { state.withLock { $0.connections } }
    /// Connections accepted and not closed yet.
    public var openConnections: Int { state.withLock { $0.openConnections } }
    /// Requests with a complete body.
    public var requests: Int { state.withLock { $0.requests } }
    /// Repeated requests: for `/once/N` with the same N, and to finish the same job.
    public var repeated: Int { state.withLock { $0.repeated } }
    /// HTTP/2 streams that the client reset.
    public var resets: Int { state.withLock { $0.resets } }

    func countConnection() {
        state.withLock { state in
            state.connections += 1
            state.openConnections += 1
        }
    }

    func countClosedConnection() { state.withLock { $0.openConnections -= 1 } }

    func countRequest(path: String) {
        let number = Self.number(of: path)
        state.withLock { state in
            state.requests += 1
            guard let number else { return }
            if state.arrivals.add(number) > 1 { state.repeated += 1 }
        }
    }

    /// The number of a request that must not arrive twice: N of `/once/N`, or for a finish the number in the second and the
    /// last group of the job's UUID.
    private static func number(of path: String) -> UInt64? {
        if path.hasPrefix("/once/") { return UInt64(path.dropFirst(6)) }
        guard path.hasSuffix("/finish") else { return nil }
        let groups = path.split(separator: "/").dropLast().last?.split(separator: "-") ?? []
        return groups.count == 5 ? UInt64("\(groups[1])\(groups[4])", radix: 16) : nil
    }

    /// How often `/once/N` arrived for an N.
    func arrivals(of number: UInt64) -> Int { state.withLock { $0.arrivals.count(of: number) } }

    func countReset() { state.withLock { $0.resets += 1 } }

    /// The counters as JSON, the response to `/_counts`.
    var json: String {
        let state = state.withLock { $0 }
        return """
            {"connections":\(state.connections),"open_connections":\(state.openConnections),\
            "requests":\(state.requests),"repeated":\(state.repeated),"resets":\(state.resets)}
            """
    }
}
