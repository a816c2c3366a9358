import Logging
import StacksAPI

/// What goes wrong with calls, and what is said of it.
extension ControllerMachine {
    /// Takes down a failure that is tried again, or stops when it is one that waiting does not cure.
    mutating func note(_ failure: CallFailure, of call: ControllerCall, at now: Duration) {
        actions.append(.failed(call, failure.kind))
        switch failure.kind {
        case .unauthorized:
            let message = "Buildkite does not accept the agent token (401): \(failure.message)"
            return stop(.init(code: .unauthorized, message: message, underlying: failure.underlying), at: now)
        case .forbidden:
            guard refusals.isConfirmed(call, at: now) else { break }
            let message = "Buildkite refuses the stack \(configuration.stackKey) (403): \(failure.message)"
            return stop(.init(code: .refused, message: message, underlying: failure.underlying), at: now)
        // The poll and the registration have ways of their own with what is not known.
        case .notFound where call != .poll && call != .register: lookForStack(after: call, at: now)
        default: break
        }
        lastFailure = (call, "\(call): \(failure.message)", failure.kind)
        let message = "Buildkite did not do what was asked (\(call)): \(failure.message)"
        // Said at the end of the step, when it is known what is waited.
        failuresToSay.append((call, message, failure.retryAfter))
    }

    mutating func clearFailure(of call: ControllerCall) {
        if lastFailure?.call == call { lastFailure = nil }
        if refusals.succeeded(call) { log(.notice, "Buildkite does again what is asked (\(call))") }
    }

    /// Says what failed, with how long it is until the same is asked again: the wait that is waited.
    mutating func sayFailures(at now: Duration) {
        for (call, message, asked) in failuresToSay {
            guard let due = due(of: call), due > now, phase == .running || phase == .registering || phase == .draining
            else {
                log(.warning, message)
                continue
            }
            var text = "\(message.last == "." ? String(message.dropLast()) : message); asking again in "
            text += "\((due - now).formattedSeconds) s"
            if let asked, asked > Pacing.longestAskedWait {
                text += " and not in the \(asked.formattedSeconds) s that it asks for"
            }
            actions.append(.logWait(.warning, text, until: due))
        }
        failuresToSay = []
    }

    /// When a call that failed is made again; `nil` for one that is not.
    private func due(of call: ControllerCall) -> Duration? {
        switch call {
        case .register: registration.due(if: wantsRegistration)
        case .poll: polling.due(if: wantsPoll)
        case .reserve: reservation.due(if: phase == .running)
        case .issueTokens: issuing.due(if: phase == .running)
        case .renew: renewing.due(if: true)
        case .queryStates: (asksForWatched ? watching : settling).due(if: true)
        case .giveBack, .finish, .deregister: nil
        }
    }

    private var asksForWatched: Bool { watching.failures > 0 && !ledger.watched.isEmpty }

    // MARK: A single endpoint

    /// A call is answered with 404: by a Buildkite that does not know the stack, or by one, or a gateway before it, that
    /// does not know this endpoint. The next poll tells.
    private mutating func lookForStack(after call: ControllerCall, at now: Duration) {
        guard refusals.doubt(call, at: now) else { return giveBackWithoutTokens(at: now) }
        if polling.failures == 0 { polling.due = min(polling.due, now) }
    }

    /// A poll was answered: whatever was answered with 404 before it was sent is missing by itself.
    mutating func stackIsKnown(at now: Duration) {
        for call in refusals.stackIsKnown(at: reading.sentAt) {
            log(
                .error,
                "Buildkite knows the stack, and answers 404 to one kind of request (\(call)): the server, or what stands "
                    + "before it, does not have that endpoint. It is asked again from time to time"
            )
        }
        giveBackWithoutTokens(at: now)
    }

    /// Whether no job can be launched, because there is no endpoint for its token.
    var lacksTokens: Bool { refusals.missing.contains(.issueTokens) }

    /// Whether nothing can be started, because an endpoint that is needed for it is not there.
    var lacksEndpoint: Bool { lacksTokens || refusals.missing.contains(.reserve) }

    /// Leaves the jobs to others for which there is no way to a token.
    private mutating func giveBackWithoutTokens(at now: Duration) {
        guard lacksTokens, phase == .running, !ledger.waiting.isEmpty else { return }
        for id in ledger.waiting.sorted() { letGo(id, at: now, coolFor: .ended) }
    }
}
