import StacksAPI
import StacksController

/// What the status server tells of.
struct StatusSubject: Sendable {
    var observation: RunObservation
    /// The slots that the stacks share, if they do.
    var slots: SlotPool?
    /// The stacks of this process. They can come and go.
    var controllers: @Sendable () -> [StackController]
    /// Where the output of a stack's job goes, if that is a file.
    var logFile: @Sendable (_ stack: String, _ job: JobID) -> String?

    /// Whether the process works. A stack that has ended is no reason to start it again, unless all have.
    var liveness: ControllerHealth {
        let all = controllers()
        let running = all.filter { $0.status.phase != .ended }
        guard !all.isEmpty else { return ControllerHealth(isGood: true, reason: "there is no stack") }
        guard !running.isEmpty else { return ControllerHealth(isGood: false, reason: "every stack has ended") }
        return Self.summary(running) { $0.liveness() }
    }

    /// Whether every stack takes jobs.
    var readiness: ControllerHealth {
        let all = controllers()
        guard !all.isEmpty else { return ControllerHealth(isGood: false, reason: "there is no stack") }
        return Self.summary(all) { $0.readiness() }
    }

    /// With the keys of the stacks that are the reason when there is more than one.
    private static func summary(
        _ stacks: [StackController], _ health: (StackController) -> ControllerHealth
    ) -> ControllerHealth {
        stacks.count == 1 ? health(stacks[0]) : ControllerHealth.summary(of: stacks, health)
    }
}
