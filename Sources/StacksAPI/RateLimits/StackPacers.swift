import StacksTransport

/// The pacers of one stack key, one for each scope, and which operation belongs to which scope.
struct StackPacers: Sendable {
    /// The stack's key.
    let stack: String
    private var pacers: [ScopePacer] = []
    private var names: [String] = []
    /// The pacer of each operation by the operation's index, -1 before its first request.
    private var pacerOfOperation = Array(repeating: -1, count: StacksOperation.count)

    init(stack: String) { self.stack = stack }

    var isIdle: Bool { pacers.allSatisfy(\.isIdle) }

    subscript(index: Int) -> ScopePacer {
        _read { yield pacers[index] }
        _modify { yield &pacers[index] }
    }

    /// Asks for a place for an operation's request: from which pacer, that one's name and verdict, and whether the
    /// request counts.
    mutating func request(
        _ operation: StacksOperation, _ scope: RateScope, _ ticket: ScopePacer.Ticket, now: Moment
    ) -> (pacer: Int, name: String, verdict: ScopePacer.Verdict, counts: Bool) {
        let index = pacer(for: operation, scope)
        let verdict = pacers[index].request(ticket, now: now)
        return (index, names[index], verdict, pacers[index].isPaced)
    }

    /// The earliest instant at which an operation's request can have its turn if it is asked for now.
    mutating func turn(
        of ticket: ScopePacer.Ticket, _ operation: StacksOperation, _ scope: RateScope, now: Moment
    ) -> Moment {
        let index = pacer(for: operation, scope)
        return pacers[index].turn(of: ticket, now: now)
    }

    /// The pacer that an operation's next request belongs to.
    private mutating func pacer(for operation: StacksOperation, _ scope: RateScope) -> Int {
        let known = pacerOfOperation[operation.index]
        if known >= 0 { return known }
        let index = names.firstIndex(of: scope.name) ?? add(scope.name, limit: scope.limit)
        pacerOfOperation[operation.index] = index
        return index
    }

    /// An answer told a limit, that there is none, or that the request was refused.
    ///
    /// - Parameter pacer: The request's own; `nil` for a request that was not counted. While one of those is under way
    ///   these pacers can be forgotten and made anew, in another order.
    /// - Returns: Whether the operation's requests are paced from now on.
    mutating func learn(
        _ rate: RateLimit?, of operation: StacksOperation, in scope: RateScope, from pacer: Int?, sent: Moment,
        refusedFor wait: Duration?, now: Moment
    ) -> Bool {
        let index = self.pacer(of: rate, for: operation, from: pacer ?? self.pacer(for: operation, scope))
        if let wait {
            pacers[index].refused(rate, wait: wait, now: now)
        } else {
            pacers[index].learn(rate, sent: sent, now: now)
        }
        return pacers[index].isPaced
    }

    /// The pacer of the scope that an answer named. The operation's later requests go there; those that wait elsewhere
    /// stay where they are.
    private mutating func pacer(of rate: RateLimit?, for operation: StacksOperation, from index: Int) -> Int {
        guard let name = rate?.scope, names[index] != name else { return index }
        if let other = names.firstIndex(of: name) {
            pacerOfOperation[operation.index] = other
            return other
        }
        if pacerOfOperation.count(where: { $0 == index }) == 1, pacerOfOperation[operation.index] == index {
            names[index] = name
            return index
        }
        let added = add(name, limit: rate?.limit ?? pacers[index].limit)
        pacerOfOperation[operation.index] = added
        return added
    }

    private mutating func add(_ name: String, limit: Int) -> Int {
        names.append(name)
        pacers.append(ScopePacer(limit: limit))
        return pacers.count - 1
    }
}
