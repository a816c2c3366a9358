import HTTPTypes
import StacksTransport
import Synchronization

/// Keeps a client's requests below the server's rate limits, for each stack key and scope. It owns all pacers.
///
/// It never waits itself: it says until when to wait, and the caller sleeps and asks again. No waiter has to be woken, so
/// none can be forgotten.
final class RateGovernor: Sendable {
    /// The state of a call under the rate limit. It belongs to the call.
    struct Place: Sendable {
        fileprivate let operation: StacksOperation
        fileprivate let scope: RateScope
        fileprivate let stack: String
        /// The call's last request; `nil` before the first one.
        fileprivate var request: Request?
        /// Since when that request waits for its turn.
        fileprivate var waitsSince: Moment?
        /// How long the call's requests waited.
        fileprivate(set) var waited = Duration.zero

        /// - Returns: `nil` for an operation without a limit, or without a stack.
        init?(_ operation: OperationDefinition, stack: String?) {
            guard let scope = operation.rateScope, let stack else { return nil }
            self.operation = operation.name
            self.scope = scope
            self.stack = stack
        }
    }

    fileprivate struct Request: Sendable {
        /// The number of the paced scope that the request counts against.
        let scope: UInt64
        let ticket: ScopePacer.Ticket
        /// The scope that its response is likely to name.
        let scopeName: String
        /// When it was let through.
        var sent: Moment
        /// Whether its end must be reported to the pacer. It is `false` when the server sets no limit.
        let counts: Bool
    }

    /// When it has this many scopes, more than a client uses, it forgets those without a request under way or waiting.
    static let maximumScopes = 512
    /// How long a waiting request sleeps at most before it asks again, because a limit can be lifted in between.
    private static let longestSleep = Duration.seconds(1)

    private let state = Mutex(State())

    // MARK: Before a request

    /// Asks to send a call's next request: until when to wait before asking again, or `nil` to send it now.
    func turn(of place: inout Place, now: Moment) -> Moment? {
        let turn: Moment?
        if place.waitsSince != nil, let request = place.request {
            turn =
                state.withLock { state in
                    state.withPacer(of: request) { $0.look(request.ticket, now: now) }
                }?.instant
            place.request?.sent = now
        } else {
            let (request, verdict) = state.withLock { $0.request(for: place, now: now) }
            place.request = request
            turn = verdict.instant
        }
        if turn != nil {
            if place.waitsSince == nil { place.waitsSince = now }
        } else if let since = place.waitsSince {
            place.waited += since.duration(to: now)
            place.waitsSince = nil
        }
        return turn
    }

    /// How long a call's next request would wait, as far as is known.
    func pause(before place: Place, now: Moment) -> Duration {
        state.withLock { max(.zero, now.duration(to: $0.turn(of: place, now: now))) }
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
            _ = state.withPacer(of: request) { $0.leave(request.ticket, now: now) }
        }
    }

    // MARK: After a request

    /// The last request got no response.
    func failed(_ place: Place, mayHaveReachedServer: Bool, now: @autoclosure () -> Moment) {
        guard let request = place.request, request.counts else { return }
        let now = now()
        state.withLock { state in
            _ = state.withPacer(of: request) { pacer in
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
        // Only a success or a 429 states the limit of the request's scope: another error can come from anywhere.
        let statesLimit = isRefusal || response.status.kind == .successful
        let rate = statesLimit ? RateLimit(response, expecting: place.request?.scopeName ?? place.scope.name) : nil
        let wait = isRefusal ? RetryAfter.delay(in: response.headerFields) ?? rate?.reset ?? .seconds(1) : .zero
        state.withLock { state in
            if let counted { _ = state.withPacer(of: counted) { $0.ended(now: now) } }
            guard statesLimit else { return }
            state.withPacer(of: rate, for: place, counted) { pacer in
                if isRefusal {
                    pacer.refused(rate, wait: min(wait, longestPause), now: now)
                } else {
                    pacer.learn(rate, sent: place.request?.sent ?? now, now: now)
                }
            }
        }
    }
}

extension ScopePacer.Verdict {
    fileprivate var instant: Moment? {
        if case .notBefore(let instant) = self { instant } else { nil }
    }
}

extension RateGovernor {
    /// The pacer of one scope of one stack key.
    private struct PacedScope {
        let number: UInt64
        let stack: String
        /// The scope's name, as the last response gave it.
        var name: String
        /// The operations whose next requests count against it.
        var operations: [StacksOperation]
        var pacer: ScopePacer
    }

    /// All paced scopes. A client has some ten of them for each stack key.
    private struct State {
        private var scopes: [PacedScope] = []
        private var nextScope: UInt64 = 0
        private var nextTicket: UInt64 = 0

        /// Asks for a place for a call's next request.
        mutating func request(for place: Place, now: Moment) -> (Request, ScopePacer.Verdict) {
            let index = index(for: place)
            let ticket = ScopePacer.Ticket(lane: place.scope.lane, number: nextTicket)
            nextTicket += 1
            let verdict = scopes[index].pacer.request(ticket, now: now)
            let request = Request(
                scope: scopes[index].number, ticket: ticket, scopeName: scopes[index].name, sent: now,
                counts: scopes[index].pacer.isPaced)
            return (request, verdict)
        }

        /// The earliest instant at which a call's next request could be sent if it asked now.
        mutating func turn(of place: Place, now: Moment) -> Moment {
            let index = index(for: place)
            return scopes[index].pacer.turn(of: .init(lane: place.scope.lane, number: nextTicket), now: now)
        }

        /// Changes the pacer of a request, if it is still there.
        mutating func withPacer<Result>(of request: Request, _ body: (inout ScopePacer) -> Result) -> Result? {
            guard let index = scopes.firstIndex(where: { $0.number == request.scope }) else { return nil }
            return body(&scopes[index].pacer)
        }

        /// Changes the pacer of the scope that a response named, to which the operation's later requests go. Those that
        /// wait in another scope stay there.
        ///
        /// - Parameter request: The request if it was counted, and its scope can therefore not be forgotten.
        mutating func withPacer(
            of rate: RateLimit?, for place: Place, _ request: Request?, _ body: (inout ScopePacer) -> Void
        ) {
            let known = request.flatMap { request in scopes.firstIndex { $0.number == request.scope } }
            let index = known ?? index(for: place)
            guard let name = rate?.scope, scopes[index].name != name else { return body(&scopes[index].pacer) }
            if scopes[index].operations == [place.operation], !isKnown(name, of: place.stack) {
                scopes[index].name = name
                return body(&scopes[index].pacer)
            }
            let limit = rate?.limit ?? scopes[index].pacer.limit
            for index in scopes.indices where scopes[index].stack == place.stack {
                scopes[index].operations.removeAll { $0 == place.operation }
            }
            body(&scopes[self.index(of: place.operation, in: name, limit: limit, of: place.stack)].pacer)
        }

        private func isKnown(_ name: String, of stack: String) -> Bool {
            scopes.contains { $0.name == name && $0.stack == stack }
        }

        /// The scope that a call's next request counts against.
        private mutating func index(for place: Place) -> Int {
            scopes.firstIndex { $0.operations.contains(place.operation) && $0.stack == place.stack }
                ?? index(of: place.operation, in: place.scope.name, limit: place.scope.limit, of: place.stack)
        }

        /// The scope with a name, which is added when it is new, and to which the operation's requests go from now on.
        private mutating func index(of operation: StacksOperation, in name: String, limit: Int, of stack: String) -> Int {
            if let index = scopes.firstIndex(where: { $0.name == name && $0.stack == stack }) {
                scopes[index].operations.append(operation)
                return index
            }
            if scopes.count >= maximumScopes { scopes.removeAll { $0.pacer.isIdle } }
            scopes.append(
                PacedScope(
                    number: nextScope, stack: stack, name: name, operations: [operation], pacer: ScopePacer(limit: limit)))
            nextScope += 1
            return scopes.count - 1
        }
    }
}
