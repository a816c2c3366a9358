import Logging
import StacksAPI

/// Ends the controller: once the last launcher has ended, and on request as soon as nothing is left to do.
struct Shutdown {
    /// When to stop waiting for the last responses; set when the last launcher has ended.
    private(set) var settleBy: Duration?
    private var nextStatusLine: Duration?

    /// Whether a status line is due.
    func wantsStatusLine(_ shared: SharedState) -> Bool { nextStatusLine.map { shared.now >= $0 } ?? false }

    var wakeAt: Duration? { earliest(settleBy, nextStatusLine) }

    mutating func begin(_ shared: SharedState) {
        nextStatusLine = shared.configuration.statusInterval.map { shared.now + $0 }
    }

    mutating func saysStatus(_ shared: SharedState) { begin(shared) }

    mutating func configured(_ shared: SharedState) { begin(shared) }

    // MARK: By itself

    /// The list was read to its end, or as far as there is use for it.
    func listRead(
        _ shared: inout SharedState, polling: Polling, launcher: LauncherHealth, launching: Launching,
        watching: Watching
    ) {
        guard shared.configuration.mode == .untilIdle, shared.phase == .running else { return }
        if polling.isPaused { return shared.drain("The queue is paused") }
        if shared.configuration.isDryRun { return shared.drain("The dry run is over") }
        let (reading, ledger, now) = (polling.reading, shared.ledger, shared.now)
        // While every slot is taken no more than the head is read; when nothing follows, that is the whole list.
        let isWhole = reading.limit > 1 || (polling.backlog.isWhole && polling.backlog.countedAt == now)
        guard isWhole, !reading.foundMatching, polling.backlog.isEmpty else { return }
        // Every job that no agent has taken may yet be given back, and is then listed again; but what nobody tells anything of is
        // not waited for without end.
        let unknown = watching.cannotSettle ? ledger.ended.count : 0
        guard ledger.occupied - unknown == ledger.running else { return }
        // What was given back is on a list that was asked for when its reservation was over, unless others have it.
        guard !reading.foundCooling, reading.headSentAt >= shared.givingBack.lastReturn else { return }
        // In trouble everything was given back: some time is left to the list, and one job is to be tried.
        if launcher.trouble != nil, !launcher.isTrying { return }
        let isInTrouble = launcher.trouble != nil || launching.triesOneJob(shared)
        if isInTrouble, shared.givingBack.isAnyWorthWaitingFor(at: now) { return }
        shared.drain(reading.foundAny ? "No scheduled job matches" : "Nothing is scheduled")
    }

    // MARK: Draining

    /// The time for what is left to do begins when the last launcher has ended.
    mutating func beginSettling(_ shared: SharedState) {
        guard shared.phase == .draining, shared.ledger.launchers == 0 else { return }
        settleBy = settleBy ?? shared.now + shared.configuration.settleTimeout
    }

    /// Ends when nothing runs, and everything is reported or cannot be.
    ///
    /// - Parameters:
    ///   - isWaiting: Whether responses are out that may still change something.
    ///   - unreported: Jobs whose end could not be reported.
    ///   - registration: Whether there is something to de-register.
    mutating func advance(
        _ shared: inout SharedState, isWaiting: Bool, unreported: Int, registration: Registration
    ) -> Bool {
        guard shared.phase == .draining, shared.ledger.launchers == 0, let deadline = settleBy else { return false }
        let ledger = shared.ledger
        let isUnsettled = !(ledger.ended.isEmpty && ledger.confirming.isEmpty) && !shared.isCutOff
        if isWaiting || isUnsettled, shared.now < deadline { return false }
        settleBy = nil
        let lost = unreported + ledger.unsettled
        if lost > 0 {
            shared.log(.warning, "The end of \(lost) jobs, which no agent had taken, could not be reported")
        }
        // A key that another controller has taken is that one's to de-register, and so is one that a dry run has found.
        let isFound = shared.configuration.isDryRun && registration.isInherited
        let isOurs = registration.isRegistered && shared.fatal?.code != .stackTakenOver && !isFound
        guard isOurs, !shared.isCutOff, shared.configuration.deregistersAtEnd else { return true }
        shared.deregister()
        return false
    }

    func deregistered(_ failure: CallFailure?, _ shared: inout SharedState) {
        guard let failure else { return }
        shared.wants(.failed(.deregister, failure.kind))
        shared.log(
            .warning, "The stack could not be de-registered: \(failure.message)",
            LogFacts(failure, of: .deregister))
    }
}
