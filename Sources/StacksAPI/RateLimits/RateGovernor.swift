import HTTPTypes
import StacksTransport
import Synchronization

/// Keeps a client's requests below the server's rate limits, each stack key and scope by itself. It owns all pacers.
///
/// It never waits itself: it says until when, and the caller sleeps and looks again. Nobody has to be woken, so nobody
/// can be forgotten.
final class RateGovernor: Sendable {
    /// A request that was let through, or waits to be.
    struct Permit: Sendable {
        fileprivate let stack: String
        fileprivate let operation: StacksOperation
        fileprivate var pacer: Int
        fileprivate let ticket: ScopePacer.Ticket
        /// The scope that its answer is likely to name.
        fileprivate let scope: String
        /// When it was let through.
        fileprivate(set) var sent: Moment
        /// Whether its end has to be told. It is `false` where the server sets no limit.
        fileprivate(set) var counts: Bool
    }

    private struct State {
        /// A client has one key or a few: looking through them is cheaper than to hash one.
        var stacks: [StackPacers] = []
        var nextTicket: UInt64 = 0

        func place(of stack: String) -> Int? { stacks.firstIndex { $0.stack == stack } }

        /// The place of a stack, which is made where it is new.
        mutating func place(making stack: String) -> Int {
            if let place = place(of: stack) { return place }
            if stacks.count >= RateGovernor.maximumStacks { stacks.removeAll { $0.isIdle } }
            stacks.append(StackPacers(stack: stack))
            return stacks.count - 1
        }

        /// Does something to the pacer that a permit is of, if it is there still.
        mutating func withPacer<Result>(of permit: Permit, _ body: (inout ScopePacer) -> Result) -> Result? {
            guard let place = place(of: permit.stack) else { return nil }
            return body(&stacks[place][permit.pacer])
        }
    }

    /// More keys than a client has; what is idle is forgotten beyond it.
    private static let maximumStacks = 64
    /// How long one that waits sleeps at most before it looks again: a limit can be lifted meanwhile.
    private static let longestSleep = Duration.seconds(1)

    private let state = Mutex(State())

    /// A bit for each operation for which the server sets no limit. Their calls look here and nowhere else.
    private let unlimited = Atomic<UInt>(0)

    /// Whether an operation's requests may go without being asked for.
    func isUnlimited(_ operation: StacksOperation) -> Bool {
        unlimited.load(ordering: .relaxed) & 1 << UInt(operation.index) != 0
    }

    /// Asks to send a request: the permit, and until when to wait before ``look(_:now:)``; `nil` to send it now.
    func admit(
        _ operation: StacksOperation, _ scope: RateScope, stack: String, now: Moment
    ) -> (permit: Permit, notBefore: Moment?) {
        state.withLock { state in
            let place = state.place(making: stack)
            let ticket = ScopePacer.Ticket(lane: scope.lane, number: state.nextTicket)
            state.nextTicket += 1
            let (pacer, name, verdict, counts) = state.stacks[place].request(operation, scope, ticket, now: now)
            let permit = Permit(
                stack: stack, operation: operation, pacer: pacer, ticket: ticket, scope: name, sent: now,
                counts: counts)
            return (permit, verdict.instant)
        }
    }

    /// Looks whether a request that waits may be sent: until when to wait, or `nil` to send it now.
    func look(_ permit: inout Permit, now: Moment) -> Moment? {
        let verdict = state.withLock { state in
            state.withPacer(of: permit) { $0.look(permit.ticket, now: now) }
        }
        permit.sent = now
        return verdict?.instant
    }

    /// How long a request of an operation waits for its turn if it is asked for now, as far as is known.
    func pause(before operation: StacksOperation, _ scope: RateScope, stack: String, now: Moment) -> Duration {
        state.withLock { state in
            guard let place = state.place(of: stack) else { return .zero }
            let ticket = ScopePacer.Ticket(lane: scope.lane, number: state.nextTicket)
            return max(.zero, now.duration(to: state.stacks[place].turn(of: ticket, operation, scope, now: now)))
        }
    }

    /// How long to sleep until an instant before looking again.
    static func sleep(until instant: Moment, now: Moment) -> Duration {
        min(max(now.duration(to: instant), .zero), longestSleep)
    }

    /// A request that waited will not be sent.
    func leave(_ permit: Permit, now: Moment) {
        state.withLock { state in
            _ = state.withPacer(of: permit) { $0.leave(permit.ticket, now: now) }
        }
    }

    /// A request had no answer.
    func ended(_ permit: Permit, mayHaveReachedServer: Bool, now: Moment) {
        guard permit.counts else { return }
        state.withLock { state in
            _ = state.withPacer(of: permit) { pacer in
                if mayHaveReachedServer {
                    pacer.ended(sent: permit.sent, now: now)
                } else {
                    pacer.wasNotSent(now: now)
                }
            }
        }
    }

    /// A request was answered.
    ///
    /// - Parameters:
    ///   - scope: The operation's scope as it is documented.
    ///   - longestPause: How long a `Retry-After` can stop the scope.
    func answered(
        _ permit: Permit, _ answer: TransportResponse, scope: RateScope, longestPause: Duration, now: Moment
    ) {
        let isRefusal = answer.status == .tooManyRequests
        guard permit.counts || isRefusal else { return }
        // Only an answer that was counted tells of its scope: another error can come from anywhere.
        let tells = isRefusal || answer.status.kind == .successful
        let rate = tells ? RateLimit(answer, expecting: permit.scope) : nil
        let wait = isRefusal ? answer.retryAfter ?? rate?.reset ?? .seconds(1) : .zero
        state.withLock { state in
            guard let place = state.place(of: permit.stack) else { return }
            if permit.counts { state.stacks[place][permit.pacer].ended(sent: permit.sent, now: now) }
            guard tells else { return }
            let isPaced = state.stacks[place].learn(
                rate, of: permit.operation, in: scope, from: permit.counts ? permit.pacer : nil, sent: permit.sent,
                refusedFor: isRefusal ? min(wait, longestPause) : nil, now: now)
            // Under the lock, so that of an answer without a limit and a refusal the later one counts.
            let bit: UInt = 1 << UInt(permit.operation.index)
            if isRefusal {
                unlimited.bitwiseAnd(~bit, ordering: .relaxed)
            } else if !isPaced {
                unlimited.bitwiseOr(bit, ordering: .relaxed)
            }
        }
    }

    /// A request that was not asked for was refused with 429: there is a limit after all.
    func refused(
        _ operation: StacksOperation, _ scope: RateScope, stack: String, _ answer: TransportResponse,
        longestPause: Duration, now: Moment
    ) {
        var (permit, notBefore) = admit(operation, scope, stack: stack, now: now)
        // It has been sent already: it needs no place.
        if notBefore == nil {
            ended(permit, mayHaveReachedServer: false, now: now)
        } else {
            leave(permit, now: now)
        }
        permit.counts = false
        answered(permit, answer, scope: scope, longestPause: longestPause, now: now)
    }
}

extension ScopePacer.Verdict {
    fileprivate var instant: Moment? {
        if case .notBefore(let instant) = self { instant } else { nil }
    }
}

extension TransportResponse {
    fileprivate var retryAfter: Duration? { RetryAfter.delay(in: headerFields) }
}
