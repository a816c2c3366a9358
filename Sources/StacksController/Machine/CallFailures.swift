import Logging
import StacksAPI

/// What goes wrong with calls, and what is said of it.
struct CallFailures {
    /// A failure that has yet to be said.
    struct Unsaid {
        var call: ControllerCall
        var message: String
        /// What the server asked to wait.
        var asked: Duration?
    }

    /// The last failure, until the same kind of call succeeds.
    fileprivate(set) var last: (call: ControllerCall, message: String, kind: CallFailure.Kind)?
    fileprivate var unsaid: [Unsaid] = []
    fileprivate var refusals = Refusals()

    /// Whether no job can be launched, because there is no endpoint for its token.
    var lacksTokens: Bool { refusals.missing.contains(.issueTokens) }

    /// Whether nothing can be started, because an endpoint that is needed for it is not there.
    var lacksEndpoint: Bool { lacksTokens || refusals.missing.contains(.reserve) }

    /// Takes down a refusal, and returns whether it is believed.
    mutating func isConfirmed(_ call: ControllerCall, at now: Duration) -> Bool {
        refusals.isConfirmed(call, at: now)
    }

    /// The stack is not known: that explains every 404.
    mutating func stackIsUnknown() { refusals.stackIsUnknown() }

    /// The failures of a step: they are said at its end, when it is known how long it is until the next try.
    mutating func takeUnsaid() -> [Unsaid] {
        defer { unsaid = [] }
        return unsaid
    }
}

extension SharedState {
    /// Takes down a failure that is tried again, or stops when it is one that waiting does not cure.
    mutating func note(_ failure: CallFailure, of call: ControllerCall) {
        wants(.failed(call, failure.kind))
        switch failure.kind {
        case .unauthorized:
            let message = "Buildkite does not accept the agent token (401): \(failure.message)"
            return stop(.init(code: .unauthorized, message: message, underlying: failure.underlying))
        case .forbidden:
            guard failures.isConfirmed(call, at: now) else { break }
            let message = "Buildkite refuses the stack \(configuration.stackKey) (403): \(failure.message)"
            return stop(.init(code: .refused, message: message, underlying: failure.underlying))
        // The poll and the registration have ways of their own with what is not known.
        case .notFound where call != .poll && call != .register: lookForStack(after: call)
        default: break
        }
        failures.last = (call, "\(call): \(failure.message)", failure.kind)
        let message = "Buildkite did not do what was asked (\(call)): \(failure.message)"
        failures.unsaid.append(.init(call: call, message: message, asked: failure.retryAfter))
    }

    mutating func succeeded(_ call: ControllerCall) {
        if failures.last?.call == call { failures.last = nil }
        if failures.refusals.succeeded(call) { log(.notice, "Buildkite does again what is asked (\(call))") }
    }

    /// Says what failed, with how long it is until the same is asked again: the wait that is waited.
    mutating func say(_ failure: CallFailures.Unsaid, nextTry due: Duration?) {
        guard let due, due > now, phase == .running || phase == .registering || phase == .draining else {
            return log(.warning, failure.message)
        }
        let message = failure.message
        var text = "\(message.last == "." ? String(message.dropLast()) : message); asking again in "
        text += "\((due - now).formattedSeconds) s"
        if let asked = failure.asked, asked > Pacing.longestAskedWait {
            text += " and not in the \(asked.formattedSeconds) s that it asks for"
        }
        wants(.logWait(.warning, text, until: due))
    }

    // MARK: A single endpoint

    /// A call is answered with 404: by a Buildkite that does not know the stack, or by one, or a gateway before it, that
    /// does not know this endpoint. The next poll tells.
    private mutating func lookForStack(after call: ControllerCall) {
        guard failures.refusals.doubt(call, at: now) else { return giveBackWithoutTokens() }
        needsPoll = true
    }

    /// A poll that was sent at a time has succeeded: whatever was answered with 404 before that is missing by itself.
    mutating func stackIsKnown(at sent: Duration) {
        for call in failures.refusals.stackIsKnown(at: sent) {
            log(
                .error,
                "Buildkite knows the stack, and answers 404 to one kind of request (\(call)): the server, or what stands "
                    + "before it, does not have that endpoint. It is asked again from time to time"
            )
        }
        giveBackWithoutTokens()
    }

    /// Leaves the jobs to others for which there is no way to a token.
    private mutating func giveBackWithoutTokens() {
        guard failures.lacksTokens, phase == .running, !ledger.waiting.isEmpty else { return }
        for id in ledger.waiting.sorted() { letGo(id, .noToken, coolFor: .ended) }
    }
}
