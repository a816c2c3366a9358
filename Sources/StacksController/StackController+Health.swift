/// The response to a probe.
public struct ControllerHealth: Sendable, Hashable {
    /// Whether all is well.
    public var isGood: Bool
    /// Why, or why not, in words. It holds no secret and no dynamic value but durations.
    public var reason: String

    /// A response to a probe.
    public init(isGood: Bool, reason: String) {
        self.isGood = isGood
        self.reason = reason
    }
}

extension ControllerHealth {
    /// What the healths of several stacks come to: good when all are. The reason names those that are not, or else all.
    package static func summary(
        of controllers: [StackController], _ health: (StackController) -> ControllerHealth
    ) -> ControllerHealth {
        let all = controllers.map { (key: $0.stackKey, health: health($0)) }
        let bad = all.filter { !$0.health.isGood }
        let reasons = (bad.isEmpty ? all : bad).map { "\($0.key): \($0.health.reason)" }
        return ControllerHealth(isGood: bad.isEmpty, reason: reasons.joined(separator: "; "))
    }
}

extension StackController {
    /// Whether the process works: the response to a liveness probe, whose "no" means "start it again".
    ///
    /// It is bad when the controller has ended, and when it is late with its own work by more than `tolerance`, which
    /// happens when something blocks the threads that it runs on. A Buildkite that cannot be reached is no reason:
    /// starting again does not cure it, and running jobs would lose their launcher.
    ///
    /// - Parameter tolerance: How late it may be. 30 seconds by default.
    public func liveness(tolerance: Duration = .seconds(30)) -> ControllerHealth {
        let phase = status.phase
        if phase == .ended { return ControllerHealth(isGood: false, reason: "the controller has ended") }
        let lateness = lateness
        guard lateness <= tolerance else {
            let reason = "the controller is \(lateness.formattedSeconds) s late: something blocks its threads"
            return ControllerHealth(isGood: false, reason: reason)
        }
        return ControllerHealth(isGood: true, reason: "the controller is \(phase.rawValue)")
    }

    /// Whether the stack takes jobs: the response to a readiness probe, and what to alert on.
    ///
    /// It is good while the controller is running, its launcher works, and the last successful poll is less than
    /// `maximumPollAge` ago. Full and paused count as ready: the stack does what it can. A launcher that can start nothing,
    /// or whose launches fail (``ControllerStatus/IdleReason-swift.enum/launchesFail``), does not.
    ///
    /// - Parameter maximumPollAge: 30 seconds by default; after that Buildkite shows the queue as disconnected.
    public func readiness(maximumPollAge: Duration = .seconds(30)) -> ControllerHealth {
        let status = status
        guard status.phase == .running else {
            return ControllerHealth(isGood: false, reason: "the controller is \(status.phase.rawValue)")
        }
        guard let age = status.sinceLastPoll else {
            return ControllerHealth(isGood: false, reason: "no poll has succeeded yet")
        }
        guard age < maximumPollAge else {
            return ControllerHealth(isGood: false, reason: "no poll has succeeded for \(age.formattedSeconds) s")
        }
        if status.startTrouble != nil {
            let reason = status.idleReason == .launchesFail ? status.idleReason : .cannotStart
            return ControllerHealth(isGood: false, reason: "\(reason ?? .cannotStart)")
        }
        return ControllerHealth(isGood: true, reason: status.idleReason?.description ?? "jobs are being started")
    }
}
