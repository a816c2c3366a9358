import Logging
import StacksAPI

extension ControllerMachine {
    private static let reregistrationWindow = Duration.seconds(600)
    private static let maximumReregistrations = 4
    /// Between two losses of the stack: several backends that do not agree contradict each other within it.
    private static let reregistrationPause = Duration.seconds(30)

    var wantsRegistration: Bool { needsRegistration && (phase == .registering || phase == .running) }

    mutating func registerIfDue(at now: Duration) {
        guard wantsRegistration, registration.isDue(at: now) else { return }
        registration.isInFlight = true
        actions.append(.request(.register))
    }

    /// Registers the stack once more, because Buildkite does not know it, or serves another queue with it.
    ///
    /// When that happens again and again somebody else uses the same key, and each takes it from the other.
    mutating func registerAgain(_ failure: CallFailure?, at now: Duration, counts: Bool = true) {
        guard phase == .running, !needsRegistration else { return }
        reregistrations.removeAll { $0 + Self.reregistrationWindow < now }
        if counts, let last = reregistrations.last, now - last < Self.reregistrationPause {
            hasLeftLoss = true
            return
        }
        hasLeftLoss = false
        if counts { reregistrations.append(now) }
        guard reregistrations.count <= Self.maximumReregistrations else {
            let message =
                "The stack \(configuration.stackKey) had to be registered anew \(reregistrations.count) times within "
                + "\(Self.reregistrationWindow.components.seconds / 60) minutes: another controller seems to use the "
                + "same key. Give each controller a key of its own"
            return stop(.init(code: .stackTakenOver, message: message, underlying: failure?.underlying), at: now)
        }
        needsRegistration = true
    }

    /// A poll shows the stack as it was registered. When it was not registered since the last sign of its loss, that
    /// sign was wrong, and those before it tell of no other controller.
    mutating func stackIsAsRegistered() {
        guard hasLeftLoss, !needsRegistration else { return }
        hasLeftLoss = false
        reregistrations = Array(reregistrations.suffix(1))
    }

    mutating func registered(_ result: Result<Stack, CallFailure>, isNew: Bool, at now: Duration) {
        switch result {
        case .success(let stack):
            registration.succeeded(next: now)
            needsRegistration = false
            isRegistered = true
            clearFailure(of: .register)
            if configuration.queue != .default, let queue = stack.clusterQueueKey, queue != configuration.queue {
                let message =
                    "The stack \(configuration.stackKey) serves the queue \(queue) and not \(configuration.queue): "
                    + "another controller has registered the same key. Give each controller a key of its own"
                return stop(StackControllerError(code: .stackTakenOver, message: message), at: now)
            }
            if phase == .registering {
                phase = .running
                runningSince = now
                isInherited = !isNew
                log(.info, "Registered the stack \(configuration.stackKey)")
                if isInherited, !configuration.isDryRun {
                    // All that Buildkite tells of another controller with this key and queue.
                    log(
                        .notice,
                        "The stack was registered before and not de-registered: by a controller that was killed, or by "
                            + "one that still runs, which would need a key of its own"
                    )
                }
            }
        case .failure(let failure):
            registration.failed(at: now, retryAfter: failure.retryAfter, jitter: &jitter)
            if failure.kind == .notFound || failure.kind == .forbidden {
                registration.putOff(to: now + Refusals.pause)
            }
            switch failure.kind {
            case .notFound where refusals.isConfirmed(.register, at: now):
                stop(Self.queueNotFound(configuration, failure), at: now)
            case .rejected:
                let message = "Buildkite does not register the stack \(configuration.stackKey): \(failure.message)"
                stop(.init(code: .refused, message: message, underlying: failure.underlying), at: now)
            default: note(failure, of: .register, at: now)
            }
        }
    }

    static func queueNotFound(
        _ configuration: StackController.Configuration,
        _ failure: CallFailure
    ) -> StackControllerError {
        let message = "There is no queue \(configuration.queue) for this token: \(failure.message)"
        return StackControllerError(code: .queueNotFound, message: message, underlying: failure.underlying)
    }
}
