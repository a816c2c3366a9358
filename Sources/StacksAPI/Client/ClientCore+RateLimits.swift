import HTTPTypes
import StacksTransport

extension ClientCore {
    /// The earliest instant at which the rate limit can let the next request go, or `nil` for now.
    func turn(of call: inout PendingCall, _ now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
        guard let governor, let stack = call.stack, let scope = call.endpoint.rateScope else { return nil }
        let turn: ContinuousClock.Instant?
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
        guard let governor, let permit = call.permit else { return }
        switch outcome {
        case .success(let answer):
            if !permit.counts, answer.status != .tooManyRequests { return }
            let policy = call.decision.policy
            governor.answered(permit, answer, longestPause: policy.maximumRetryAfter, now: environment.now())
        case .failure(let error):
            if !permit.counts { return }
            let mayHaveArrived = (error as? TransportError)?.mayHaveReachedServer ?? true
            governor.ended(permit, mayHaveReachedServer: mayHaveArrived, now: environment.now())
        }
    }
}
