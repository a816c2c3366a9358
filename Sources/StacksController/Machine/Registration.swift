import Logging
import StacksAPI

/// Registers the stack: first of all, and again whenever Buildkite no longer knows it.
///
/// When that happens again and again somebody else uses the same key, and each takes it from the other.
struct Registration {
    /// Buildkite does not know the stack, or serves another queue with it.
    struct Loss {
        var failure: CallFailure?
        /// Several in a row are one loss.
        var isNew = true
    }

    private static let window = Duration.seconds(600)
    private static let maximumInWindow = 4
    /// Between two losses of the stack: several backends that do not agree contradict each other within it.
    private static let pause = Duration.seconds(30)

    private(set) var pacing = Pacing()
    private(set) var isNeeded = true
    /// Whether the stack has ever been registered, so that there is something to de-register.
    private(set) var isRegistered = false
    /// Whether somebody had registered the stack before, and not de-registered it.
    private(set) var isInherited = false
    /// When the stack was registered again within the window.
    private(set) var repetitions: [Duration] = []
    /// Whether a sign that the stack is lost has been left alone, because it was registered again just before.
    private var hasLeftLoss = false

    func isWanted(_ shared: SharedState) -> Bool {
        isNeeded && (shared.phase == .registering || shared.phase == .running)
    }

    func wakeAt(_ shared: SharedState) -> Duration? { pacing.due(if: isWanted(shared)) }

    mutating func advance(_ shared: inout SharedState) {
        guard isWanted(shared), pacing.isDue(at: shared.now) else { return }
        pacing.isInFlight = true
        shared.asks(.register)
    }

    mutating func noteLoss(_ loss: Loss, _ shared: inout SharedState) {
        guard shared.phase == .running, !isNeeded else { return }
        repetitions.removeAll { $0 + Self.window < shared.now }
        if loss.isNew, let last = repetitions.last, shared.now - last < Self.pause {
            hasLeftLoss = true
            return
        }
        hasLeftLoss = false
        if loss.isNew { repetitions.append(shared.now) }
        guard repetitions.count <= Self.maximumInWindow else {
            let message =
                "The stack \(shared.configuration.stackKey) had to be registered again \(repetitions.count) times within "
                + "\(Self.window.components.seconds / 60) minutes: another controller seems to use the same key. "
                + "Give each controller a key of its own"
            return shared.stop(.init(code: .stackTakenOver, message: message, underlying: loss.failure?.underlying))
        }
        isNeeded = true
    }

    /// A page shows the stack as it was registered. When it was not registered since the last sign of its loss, that
    /// sign was wrong, and those before it tell of no other controller.
    mutating func noteAsRegistered() {
        guard hasLeftLoss, !isNeeded else { return }
        hasLeftLoss = false
        repetitions = Array(repetitions.suffix(1))
    }

    mutating func registered(_ result: Result<Stack, CallFailure>, isNew: Bool, _ shared: inout SharedState) {
        switch result {
        case .success(let stack): succeeded(stack, isNew: isNew, &shared)
        case .failure(let failure):
            pacing.failed(at: shared.now, retryAfter: failure.retryAfter, jitter: &shared.jitter)
            if failure.kind == .notFound || failure.kind == .forbidden {
                pacing.putOff(to: shared.now + Refusals.pause)
            }
            switch failure.kind {
            case .notFound where shared.failures.noteRefusal(of: .register, at: shared.now):
                shared.stop(.queueNotFound(shared.configuration, failure))
            case .rejected:
                let key = shared.configuration.stackKey
                let message = "Buildkite does not register the stack \(key): \(failure.message)"
                shared.stop(.init(code: .refused, message: message, underlying: failure.underlying))
            default: shared.note(failure, of: .register)
            }
        }
    }

    private mutating func succeeded(_ stack: Stack, isNew: Bool, _ shared: inout SharedState) {
        pacing.succeeded(next: shared.now)
        isNeeded = false
        isRegistered = true
        shared.succeeded(.register)
        let (key, queue) = (shared.configuration.stackKey, shared.configuration.queue)
        if queue != .default, let served = stack.clusterQueueKey, served != queue {
            let message =
                "The stack \(key) serves the queue \(served) and not \(queue): another controller has registered the same "
                + "key. Give each controller a key of its own"
            return shared.stop(StackControllerError(code: .stackTakenOver, message: message))
        }
        guard shared.phase == .registering else { return }
        shared.run()
        isInherited = !isNew
        shared.log(.info, "Registered the stack \(key)")
        if isInherited, !shared.configuration.isDryRun {
            // Buildkite gives no other sign of a second controller with this key and queue.
            shared.log(
                .notice,
                "The stack was registered before and not de-registered: by a controller that was killed, or by one that "
                    + "still runs, which would need a key of its own"
            )
        }
    }
}

extension StackControllerError {
    /// There is no such queue, according to a registration or a poll.
    static func queueNotFound(_ configuration: StackController.Configuration, _ failure: CallFailure) -> Self {
        let message = "There is no queue \(configuration.queue) for this token: \(failure.message)"
        return Self(code: .queueNotFound, message: message, underlying: failure.underlying)
    }
}
