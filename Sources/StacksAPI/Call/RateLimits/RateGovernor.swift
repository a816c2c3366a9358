import HTTPTypes
import StacksTransport
import Synchronization

/// Keeps a client's requests below the server's rate limits, for each stack key and scope. It owns all pacers.
///
/// It never waits itself: it says until when, and the caller sleeps and asks again. No waiter has to be woken, so none
/// can be forgotten.
final class RateGovernor: Sendable {
    /// The state of a call under the rate limit. It belongs to the call.
    struct Place: Sendable {
        fileprivate let operation: StacksOperation
        fileprivate let scope: RateScope
        fileprivate let stack: String
        /// The call's last request; `nil` before the first one, and where the server sets no limit.
        fileprivate var request: Request?
        /// Since when that request waits for its turn.
        fileprivate var waitsSince: Moment?
        /// How long the call's requests waited.
        fileprivate(set) var waited = Duration.zero

        /// - Returns: `nil` for an operation without a limit, or without a stack.
        init?(_ operation: Operation, stack: String?) {
            guard let scope = operation.rateScope, let stack else { return nil }
            self.operation = operation.name
            self.scope = scope
            self.stack = stack
        }
    }

    fileprivate struct Request: Sendable {
        let pacer: Int
        let ticket: ScopePacer.Ticket
        /// The scope that its response is likely to name.
        let scope: String
        /// When it was let through.
        var sent: Moment
        /// Whether its end must be reported to the pacer. It is `false` when the server sets no limit.
        let counts: Bool
    }

    private struct State {
        /// A client has one key or a few: a linear search is cheaper than hashing.
        var stacks: [StackPacers] = []
        var nextTicket: UInt64 = 0

        func index(of stack: String) -> Int? { stacks.firstIndex { $0.stack == stack } }

        /// The index of a stack, which is added when it is new.
        mutating func index(adding stack: String) -> Int {
            if let index = index(of: stack) { return index }
            if stacks.count >= RateGovernor.maximumStacks { stacks.removeAll { $0.isIdle } }
            stacks.append(StackPacers(stack: stack))
            return stacks.count - 1
        }

        /// Changes the pacer of a call's request, if it is still there.
        mutating func withPacer<Result>(
            of request: Request, in stack: String, _ body: (inout ScopePacer) -> Result
        ) -> Result? {
            guard let index = index(of: stack) else { return nil }
            return body(&stacks[index][request.pacer])
        }
    }

    /// More keys than a client has; beyond it, idle ones are forgotten.
    private static let maximumStacks = 64
    /// How long a waiting request sleeps at most before it asks again, because a limit can be lifted in between.
    private static let longestSleep = Duration.seconds(1)

    private let state = Mutex(State())

    /// A bit for each operation for which the server sets no limit. Their calls check this and nothing else.
    private let unlimited = Atomic<UInt>(0)

    private func isUnlimited(_ operation: StacksOperation) -> Bool {
        unlimited.load(ordering: .relaxed) & 1 << UInt(operation.index) != 0
    }

    // MARK: Before a request

    /// Asks to send a call's next request: until when to wait before asking again, or `nil` to send it now.
    func turn(of place: inout Place, now: Moment) -> Moment? {
        let turn: Moment?
        if place.waitsSince != nil, let request = place.request {
            turn =
                state.withLock { state in
                    state.withPacer(of: request, in: place.stack) { $0.look(request.ticket, now: now) }
                }?.instant
            place.request?.sent = now
        } else if isUnlimited(place.operation) {
            place.request = nil
            return nil
        } else {
            turn = admit(&place, now: now)
        }
        if turn != nil {
            if place.waitsSince == nil { place.waitsSince = now }
        } else if let since = place.waitsSince {
            place.waited += since.duration(to: now)
            place.waitsSince = nil
        }
        return turn
    }

    private func admit(_ place: inout Place, now: Moment) -> Moment? {
        let (request, verdict) = state.withLock { state in
            let ticket = ScopePacer.Ticket(lane: place.scope.lane, number: state.nextTicket)
            state.nextTicket += 1
            let index = state.index(adding: place.stack)
            return state.stacks[index].request(place.operation, place.scope, ticket, now: now)
        }
        place.request = request
        return verdict.instant
    }

    /// How long a call's next request would wait, as far as is known.
    func pause(before place: Place, now: Moment) -> Duration {
        if isUnlimited(place.operation) { return .zero }
        return state.withLock { state in
            guard let index = state.index(of: place.stack) else { return .zero }
            let ticket = ScopePacer.Ticket(lane: place.scope.lane, number: state.nextTicket)
            let turn = state.stacks[index].turn(of: ticket, place.operation, place.scope, now: now)
            return max(.zero, now.duration(to: turn))
        }
    }

    /// How long to sleep until an instant before asking again.
    static func sleep(until instant: Moment, now: Moment) -> Duration {
        min(max(now.duration(to: instant), .zero), longestSleep)
    }

    /// The call ended. A request of it that waits is not sent.
    func leave(_ place: Place, now: @autoclosure () -> Moment) {
        guard place.waitsSince != nil, let request = place.request else { return }
        let now = now()
        state.withLock { state in
            _ = state.withPacer(of: request, in: place.stack) { $0.leave(request.ticket, now: now) }
        }
    }

    // MARK: After a request

    /// The last request got no response.
    func failed(_ place: Place, mayHaveReachedServer: Bool, now: @autoclosure () -> Moment) {
        guard let request = place.request, request.counts else { return }
        let now = now()
        state.withLock { state in
            _ = state.withPacer(of: request, in: place.stack) { pacer in
                if mayHaveReachedServer { pacer.ended(now: now) } else { pacer.wasNotSent(now: now) }
            }
        }
    }

    /// The last request got a response.
    ///
    /// - Parameter longestPause: How long a `Retry-After` can stop the scope.
    func received(
        _ response: TransportResponse, for place: Place, longestPause: Duration, now: @autoclosure () -> Moment
    ) {
        let isRefusal = response.status == .tooManyRequests
        let counted = place.request?.counts == true ? place.request : nil
        guard counted != nil || isRefusal else { return }
        let now = now()
        // Only a response that was counted tells of its scope: another error can come from anywhere.
        let tells = isRefusal || response.status.kind == .successful
        let rate = tells ? RateLimit(response, expecting: place.request?.scope ?? place.scope.name) : nil
        let wait = isRefusal ? RetryAfter.delay(in: response.headerFields) ?? rate?.reset ?? .seconds(1) : .zero
        state.withLock { state in
            guard let index = isRefusal ? state.index(adding: place.stack) : state.index(of: place.stack) else {
                return
            }
            if let counted { state.stacks[index][counted.pacer].ended(now: now) }
            guard tells else { return }
            let isPaced = state.stacks[index].learn(
                rate, of: place.operation, in: place.scope, from: counted?.pacer, sent: place.request?.sent ?? now,
                refusedFor: isRefusal ? min(wait, longestPause) : nil, now: now)
            // Under the lock, so that of a response without a limit and a refusal the later one counts.
            let bit: UInt = 1 << UInt(place.operation.index)
            if isRefusal {
                unlimited.bitwiseAnd(~bit, ordering: .relaxed)
            } else if !isPaced {
                unlimited.bitwiseOr(bit, ordering: .relaxed)
            }
        }
    }
}

extension ScopePacer.Verdict {
    fileprivate var instant: Moment? {
        if case .notBefore(let instant) = self { instant } else { nil }
    }
}

/// The pacers of one stack key, one for each scope, and the scope of each operation.
private struct StackPacers: Sendable {
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

    /// Asks for a place for an operation's next request.
    mutating func request(
        _ operation: StacksOperation, _ scope: RateScope, _ ticket: ScopePacer.Ticket, now: Moment
    ) -> (RateGovernor.Request, ScopePacer.Verdict) {
        let index = pacer(for: operation, scope)
        let verdict = pacers[index].request(ticket, now: now)
        let request = RateGovernor.Request(
            pacer: index, ticket: ticket, scope: names[index], sent: now, counts: pacers[index].isPaced)
        return (request, verdict)
    }

    /// The earliest instant at which an operation's request could be sent if it asked now.
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

    /// Learns from a response what the limit is, that there is none, or that the request was refused.
    ///
    /// - Parameter pacer: The request's own; `nil` for a request that was not counted. While such a request is under
    ///   way, these pacers can be forgotten and created again in another order.
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

    /// The pacer of the scope that a response named. The operation's later requests go there; those that wait elsewhere
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
