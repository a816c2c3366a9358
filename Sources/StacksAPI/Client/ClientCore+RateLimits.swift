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
            call.waited += since.duration(to: now)
            call.waitsSince = nil
        }
        return turn
    }

    /// Tells the rate limit what became of the last request.
    func settle(_ call: PendingCall, _ outcome: Result<TransportResponse, any Error>) {
        guard let governor else { return }
        let longestPause = call.decision.policy.maximumRetryAfter
        guard let permit = call.permit else {
            guard case .success(let answer) = outcome, answer.status == .tooManyRequests, let stack = call.stack,
                let scope = call.endpoint.rateScope
            else { return }
            governor.refused(
                call.endpoint.operation, scope, stack: stack, answer, longestPause: longestPause,
                now: environment.now())
            return
        }
        switch outcome {
        case .success(let answer):
            if !permit.counts, answer.status != .tooManyRequests { return }
            guard let scope = call.endpoint.rateScope else { return }
            governor.answered(permit, answer, scope: scope, longestPause: longestPause, now: environment.now())
        case .failure(let error):
            if !permit.counts { return }
            let mayHaveArrived = (error as? TransportError)?.mayHaveReachedServer ?? true
            governor.ended(permit, mayHaveReachedServer: mayHaveArrived, now: environment.now())
        }
    }
}
