import HTTPTypes
import StacksTransport
import Synchronization

/// Keeps a client's requests below the server's rate limits, for each stack key and scope. It owns all pacers.
///
/// It never waits itself: it says until when to wait, and the caller sleeps and tries again. No waiter has to be woken, so
/// none can be forgotten. What a call does under the rate limit is in ``PacedCall``.
final class RateGovernor: Sendable {
    /// When it has this many scopes, more than a client uses, it forgets those without a request under way or waiting.
    static let maximumScopes = 512
    /// How long a waiting request sleeps at most before it tries again, because a limit can be lifted in between.
    private static let longestSleep = Duration.seconds(1)

    fileprivate let state = Mutex(State())

    /// How long to sleep before trying again at an instant.
    static func sleep(until instant: Moment, now: Moment) -> Duration {
        min(max(now.duration(to: instant), .zero), longestSleep)
    }
}

/// A call's state under the rate limit. It belongs to the call.
struct PacedCall: Sendable {
    fileprivate struct Request: Sendable {
        /// Which paced scope the request counts against.
        let scopeNumber: UInt64
        let ticket: ScopePacer.Ticket
        /// When it was let through.
        var sent: Moment
        /// Whether its end must be reported to the pacer. It is `false` when the server sets no limit.
        let counts: Bool
    }

    private let governor: RateGovernor
    fileprivate let operation: StacksOperation
    fileprivate let scope: RateScope
    fileprivate let stack: String
    /// The call's last request until it has ended.
    private var request: Request?
    /// Since when that request waits for its turn.
    private var waitsSince: Moment?
    /// How long the call's requests waited.
    private(set) var waited = Duration.zero

    init(_ operation: StacksOperation, _ scope: RateScope, stack: String, governor: RateGovernor) {
        self.governor = governor
        self.operation = operation
        self.scope = scope
        self.stack = stack
    }

    // MARK: Before a request

    /// Requests a turn for the call's next request.
    ///
    /// - Returns: `nil` when it may be sent now, otherwise the instant until which to wait before calling this again.
    mutating func turn(now: Moment) -> Moment? {
        let verdict: ScopePacer.Verdict?
        if waitsSince != nil, let request {
            verdict = governor.state.withLock { state in
                state.withPacer(of: request) { $0.look(request.ticket, now: now) }
            }
            self.request?.sent = now
        } else {
            let (request, first) = governor.state.withLock { $0.request(for: self, now: now) }
            self.request = request
            verdict = first
        }
        if case .notBefore(let instant)? = verdict {
            if waitsSince == nil { waitsSince = now }
            return instant
        }
        stopWaiting(now: now)
        return nil
    }

    private mutating func stopWaiting(now: Moment) {
        guard let since = waitsSince else { return }
        waited += since.duration(to: now)
        waitsSince = nil
    }

    /// How long the call's next request would wait, as far as is known.
    func pause(now: Moment) -> Duration {
        governor.state.withLock { max(.zero, now.duration(to: $0.turn(of: self, now: now))) }
    }

    /// The call ended. A request of it that waits is not sent.
    mutating func leave(now: @autoclosure () -> Moment) {
        guard waitsSince != nil, let request = request.take() else { return }
        let now = now()
        stopWaiting(now: now)
        governor.state.withLock { state in
            _ = state.withPacer(of: request) { $0.leave(request.ticket, now: now) }
        }
    }

    // MARK: After a request

    /// The last request got no response.
    mutating func failed(mayHaveReachedServer: Bool, now: @autoclosure () -> Moment) {
        guard let request = request.take(), request.counts else { return }
        let now = now()
        governor.state.withLock { state in
            _ = state.withPacer(of: request) { pacer in
                if mayHaveReachedServer { pacer.ended(now: now) } else { pacer.wasNotSent(now: now) }
            }
        }
    }

    /// The last request got a response.
    ///
    /// - Parameter longestPause: How long a `Retry-After` can stop the scope.
    mutating func received(_ response: TransportResponse, longestPause: Duration, now: @autoclosure () -> Moment) {
        let isRefusal = response.status == .tooManyRequests
        let request = request.take()
        let counted = request?.counts == true ? request : nil
        guard counted != nil || isRefusal else { return }
        let now = now()
        if isRefusal {
            let rate = RateLimit.stated(in: response) ?? RateLimit()
            let wait = RetryAfter.delay(in: response.headerFields) ?? rate.reset ?? .seconds(1)
            governor.state.withLock { state in
                state.ended(counted, now: now)
                state.withPacer(of: rate, for: self, counted) {
                    $0.refused(rate, wait: min(wait, longestPause), now: now)
                }
            }
        } else if response.status.kind == .successful {
            let rate = RateLimit.stated(inSuccess: response, likelyScope: scope.name)
            governor.state.withLock { state in
                state.ended(counted, now: now)
                state.withPacer(of: rate, for: self, counted) { $0.learn(rate, sent: request?.sent ?? now, now: now) }
            }
        } else {
            // Only a success or a 429 states the limit of the request's scope: another error can come from anywhere.
            governor.state.withLock { $0.ended(counted, now: now) }
        }
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
        var operations: OperationSet
        var pacer: ScopePacer
    }

    /// Some of the operations, in one number: every call looks for its scope.
    private struct OperationSet: OptionSet {
        var rawValue: UInt32

        init(rawValue: UInt32) { self.rawValue = rawValue }

        init(_ operation: StacksOperation) { rawValue = 1 << UInt32(operation.index) }
    }

    /// All paced scopes. A client has some ten of them for each stack key.
    fileprivate struct State {
        private var scopes: [PacedScope] = []
        private var nextScope: UInt64 = 0
        private var nextTicket: UInt64 = 0

        /// Asks for a place for a call's next request.
        mutating func request(for call: PacedCall, now: Moment) -> (PacedCall.Request, ScopePacer.Verdict) {
            let index = index(for: call)
            let ticket = ScopePacer.Ticket(lane: call.scope.lane, number: nextTicket)
            nextTicket += 1
            let verdict = scopes[index].pacer.request(ticket, now: now)
            let request = PacedCall.Request(
                scopeNumber: scopes[index].number, ticket: ticket, sent: now, counts: scopes[index].pacer.isPaced)
            return (request, verdict)
        }

        /// The earliest instant at which a call's next request could be sent.
        mutating func turn(of call: PacedCall, now: Moment) -> Moment {
            let index = index(for: call)
            return scopes[index].pacer.turn(of: .init(lane: call.scope.lane, number: nextTicket), now: now)
        }

        /// A request that counts has got a response.
        mutating func ended(_ request: PacedCall.Request?, now: Moment) {
            guard let request, let index = index(of: request) else { return }
            scopes[index].pacer.ended(now: now)
        }

        /// Changes the pacer of a request, if it is still there.
        mutating func withPacer<Result>(
            of request: PacedCall.Request, _ body: (inout ScopePacer) -> Result
        ) -> Result? {
            guard let index = index(of: request) else { return nil }
            return body(&scopes[index].pacer)
        }

        /// Passes `body` the pacer of the scope that a response names, and moves the operation to it. Requests that
        /// already wait in the old scope stay there.
        ///
        /// - Parameter request: `nil` when the request was not counted; its scope may then have been removed.
        mutating func withPacer(
            of rate: RateLimit, for call: PacedCall, _ request: PacedCall.Request?, _ body: (inout ScopePacer) -> Void
        ) {
            let known = request.flatMap { self.index(of: $0) }
            let index = known ?? index(for: call)
            guard let name = rate.scope, scopes[index].name != name else { return body(&scopes[index].pacer) }
            if scopes[index].operations == OperationSet(call.operation), !isKnown(name, of: call.stack) {
                scopes[index].name = name
                return body(&scopes[index].pacer)
            }
            let limit = rate.limit ?? scopes[index].pacer.limit
            for index in scopes.indices where scopes[index].stack == call.stack {
                scopes[index].operations.remove(OperationSet(call.operation))
            }
            body(&scopes[self.index(of: call.operation, in: name, limit: limit, of: call.stack)].pacer)
        }

        private func isKnown(_ name: String, of stack: String) -> Bool {
            index(of: name, stack: stack) != nil
        }

        // By index, because a closure that gets the elements gets copies of them.
        private func index(of request: PacedCall.Request) -> Int? {
            scopes.indices.first { scopes[$0].number == request.scopeNumber }
        }

        private func index(of name: String, stack: String) -> Int? {
            scopes.indices.first { scopes[$0].name == name && scopes[$0].stack == stack }
        }

        /// The scope that a call's next request counts against.
        private mutating func index(for call: PacedCall) -> Int {
            scopes.indices.first {
                scopes[$0].operations.contains(OperationSet(call.operation)) && scopes[$0].stack == call.stack
            }
                ?? index(of: call.operation, in: call.scope.name, limit: call.scope.limit, of: call.stack)
        }

        /// The scope with a name, which is added when it is new, and to which the operation's requests go from now on.
        private mutating func index(of operation: StacksOperation, in name: String, limit: Int, of stack: String) -> Int
        {
            if let index = index(of: name, stack: stack) {
                scopes[index].operations.insert(OperationSet(operation))
                return index
            }
            if scopes.count >= maximumScopes { scopes.removeAll { $0.pacer.isIdle } }
            scopes.append(
                PacedScope(
                    number: nextScope, stack: stack, name: name, operations: OperationSet(operation),
                    pacer: ScopePacer(limit: limit)))
            nextScope += 1
            return scopes.count - 1
        }
    }
}
