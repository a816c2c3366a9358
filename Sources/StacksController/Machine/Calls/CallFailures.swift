import Logging
import StacksAPI

/// Failed calls, and what is logged about them.
struct CallFailures {
    /// A failure that is not logged yet.
    struct Unsaid {
        var call: ControllerCall
        var message: String
        var facts: LogFacts
        /// The wait that the server asked for.
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

    /// Records a refusal, and returns whether it is believed.
    mutating func noteRefusal(of call: ControllerCall, at now: Duration) -> Bool {
        refusals.noteRefusal(of: call, at: now)
    }

    /// The stack is not known: that explains every 404.
    mutating func noteStackUnknown() { refusals.noteStackUnknown() }

    /// The failures of a step: they are logged at its end, when the wait until the retry is known.
    mutating func takeUnsaid() -> [Unsaid] {
        defer { unsaid = [] }
        return unsaid
    }
}

extension SharedState {
    /// Records a failure that is retried, or stops when waiting does not cure it.
    mutating func note(_ failure: CallFailure, of call: ControllerCall) {
        wants(.failed(call, failure.kind))
        switch failure.kind {
        case .unauthorized:
            let message = "Buildkite does not accept the agent token (401): \(failure.message)"
            return stop(.init(code: .unauthorized, message: message, underlying: failure.underlying))
        case .forbidden:
            guard failures.noteRefusal(of: call, at: now) else { break }
            let message = "Buildkite refuses the stack \(configuration.stackKey) (403): \(failure.message)"
            return stop(.init(code: .refused, message: message, underlying: failure.underlying))
        // The poll and the registration have ways of their own with what is not known.
        case .notFound where call != .poll && call != .register: lookForStack(after: call)
        default: break
        }
        failures.last = (call, "\(call): \(failure.message)", failure.kind)
        let message = "The call '\(call)' failed: \(failure.message)"
        failures.unsaid.append(
            .init(call: call, message: message, facts: LogFacts(failure, of: call), asked: failure.retryAfter))
    }

    mutating func succeeded(_ call: ControllerCall) {
        if failures.last?.call == call { failures.last = nil }
        if failures.refusals.succeeded(call) { log(.notice, "The call '\(call)' succeeds again") }
    }

    /// Logs what failed, with the actual wait until the retry.
    mutating func say(_ failure: CallFailures.Unsaid, nextTry due: Duration?) {
        guard let due, due > now, phase == .running || phase == .registering || phase == .draining else {
            return log(.warning, failure.message, failure.facts)
        }
        let message = failure.message
        var text = "\(message.last == "." ? String(message.dropLast()) : message); retrying in "
        text += "\((due - now).formattedSeconds) s"
        if let asked = failure.asked, asked > Pacing.longestAskedWait {
            text += " and not in the \(asked.formattedSeconds) s that it asks for"
        }
        wants(.logWait(.warning, text, failure.facts, until: due))
    }

    // MARK: A single endpoint

    /// A call got a 404: Buildkite does not know the stack, or it, or a gateway before it, lacks this endpoint. The next
    /// poll tells which.
    private mutating func lookForStack(after call: ControllerCall) {
        guard failures.refusals.doubt(call, at: now) else { return giveBackWithoutTokens() }
        needsPoll = true
    }

    /// A poll has succeeded that was sent at a time: endpoints that responded with 404 before that are missing.
    mutating func noteStackKnown(at sent: Duration) {
        for call in failures.refusals.noteStackKnown(at: sent) {
            log(
                .error,
                "Buildkite knows the stack but responds with 404 to one kind of request (\(call)): the server, or a proxy "
                    + "before it, lacks that endpoint. The controller retries from time to time"
            )
        }
        giveBackWithoutTokens()
    }

    /// Gives back the jobs for which there is no way to a token.
    private mutating func giveBackWithoutTokens() {
        guard failures.lacksTokens, phase == .running, !ledger.awaitingToken.isEmpty else { return }
        for id in ledger.awaitingToken.sorted() { letGo(id, .noToken, coolFor: .ended) }
    }
}
