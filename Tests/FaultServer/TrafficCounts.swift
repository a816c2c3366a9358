import Synchronization

/// What has reached a server so far.
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
    /// Requests whose body arrived whole.
    public var requests: Int { state.withLock { $0.requests } }
    /// Requests for `/once/N` with an N that had arrived before, and second finishes of a job.
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

    /// The number of a request that must not arrive twice: of `/once/N`, or of a finish the job's, whose UUID has it in
    /// its second and its last group.
    private static func number(of path: String) -> UInt64? {
        if path.hasPrefix("/once/") { return UInt64(path.dropFirst(6)) }
        guard path.hasSuffix("/finish") else { return nil }
        let groups = path.split(separator: "/").dropLast().last?.split(separator: "-") ?? []
        return groups.count == 5 ? UInt64("\(groups[1])\(groups[4])", radix: 16) : nil
    }

    /// How often `/once/N` arrived with this N.
    func arrivals(of number: UInt64) -> Int { state.withLock { $0.arrivals.count(of: number) } }

    func countReset() { state.withLock { $0.resets += 1 } }

    /// The counts as JSON, for whoever asks for `/_counts`.
    var json: String {
        let state = state.withLock { $0 }
        return """
            {"connections":\(state.connections),"open_connections":\(state.openConnections),\
            "requests":\(state.requests),"repeated":\(state.repeated),"resets":\(state.resets)}
            """
    }
}
