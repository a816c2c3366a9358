import StacksAPI
import StacksController

/// What the status server tells of.
struct StatusSubject: Sendable {
    var observation: RunObservation
    /// The slots that the stacks share, if they do.
    var slots: SlotPool?
    /// The stacks of this process. They can come and go.
    var fleet: StackFleet
    /// Where the output of a stack's job goes, if that is a file.
    var logFile: @Sendable (_ stack: String, _ job: JobID) -> String?

    /// The stacks that run, drain, or have ended without being removed.
    var controllers: [StackController] { fleet.controllers }

    /// Whether the process works. A stack that has ended is no reason to start it again, unless all have.
    var liveness: ControllerHealth { only?.liveness() ?? fleet.liveness() }

    /// Whether every stack takes jobs, but for those that were removed.
    var readiness: ControllerHealth { only?.readiness() ?? fleet.readiness() }

    /// The stack, when there is one: then a reason need not name it.
    private var only: StackController? {
        let all = controllers
        return all.count == 1 ? all[0] : nil
    }
}
