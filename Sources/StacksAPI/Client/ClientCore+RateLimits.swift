import HTTPTypes
import StacksTransport

extension ClientCore {
    /// The earliest instant at which the rate limit can let the next request go, or `nil` for now.
    func turn(of call: inout PendingCall, _ now: Moment) -> Moment? {
        guard let governor, let stack = call.stack, let scope = call.endpoint.rateScope else { return nil }
        if call.waitsSince == nil, governor.isUnlimited(call.endpoint.operation) {
            call.permit = nil
            return nil
        }
        let turn: Moment?
        if call.waitsSince != nil, var permit = call.permit {
            turn = governor.look(&permit, now: now)
            call.permit = permit
        } else {
            (call.permit, turn) = governor.admit(call.endpoint.operation, scope, stack: stack, now: now)
        }
        if turn != nil {
            if call.waitsSince == nil { call.waitsSince = now }
        } else if let since = call.waitsSince {
            call.record.waited += since.duration(to: now)
            call.waitsSince = nil
        }
        return turn
    }

    /// How long the rate limit keeps the next request of a call that was answered, or that got no answer.
    func pause(before call: borrowing PendingCall, _ now: Moment) -> Duration {
        guard let governor, let stack = call.stack, let scope = call.endpoint.rateScope,
            !governor.isUnlimited(call.endpoint.operation)
        else { return .zero }
        return governor.pause(before: call.endpoint.operation, scope, stack: stack, now: now)
    }

    /// Tells the rate limit of the last request's answer.
    func settle(_ call: borrowing PendingCall, _ answer: TransportResponse, _ now: Moment) {
        guard let governor, let scope = call.endpoint.rateScope else { return }
        let longestPause = call.decision.policy.maximumRetryAfter
        if let permit = call.permit {
            governor.answered(permit, answer, scope: scope, longestPause: longestPause, now: now)
        } else if answer.status == .tooManyRequests, let stack = call.stack {
            governor.refused(call.endpoint.operation, scope, stack: stack, answer, longestPause: longestPause, now: now)
        }
    }

    /// Tells the rate limit that the last request got no answer.
    func settle(_ call: borrowing PendingCall, _ error: any Error) {
        guard let governor, let permit = call.permit, permit.counts else { return }
        let mayHaveArrived = (error as? TransportError)?.mayHaveReachedServer ?? true
        governor.ended(permit, mayHaveReachedServer: mayHaveArrived, now: environment.now())
    }
}
