import Logging
import StacksAPI

/// Decides what a controller does: events go in, actions come out.
///
/// It has no clock and no network. Every step is given the time, as the time since the controller was started, and
/// ``wakeAt`` says when it wants to be stepped again if nothing happens before. Events only change what is known;
/// ``advance()`` then looks at that and does everything that is due.
///
/// Each concern is a struct with a state of its own. What they share, the ledger of jobs above all, is handed to them.
struct ControllerMachine {
    var shared: SharedState
    private(set) var registration = Registration()
    private(set) var polling: Polling
    private(set) var launcher = LauncherHealth()
    private(set) var reserving = Reserving()
    private(set) var launching = Launching()
    private(set) var watching = Watching()
    private(set) var stops = LauncherStops()
    private(set) var exits = LauncherExits()
    var reports = FailureReports()
    private(set) var renewing = Renewing()
    private(set) var shutdown = Shutdown()

    /// - Parameter sharesSlots: Whether a pool gives the slots.
    init(configuration: StackController.Configuration, seed: UInt64, sharesSlots: Bool = false) {
        shared = SharedState(configuration: configuration, seed: seed, sharesSlots: sharesSlots)
        polling = Polling(matcher: configuration.effectiveMatcher)
    }

    private var isStackKnown: Bool { !registration.isNeeded }

    /// Handles `events` and returns what is to be done at `now`.
    mutating func step(_ events: [ControllerEvent], at now: Duration) -> [ControllerAction] {
        shared.beginStep(at: now)
        for event in events where shared.phase != .ended {
            let phase = shared.phase
            handle(event)
            if shared.phase == .draining, phase != .draining { drain() }
        }
        for failure in shared.failures.takeUnsaid() { shared.say(failure, nextTry: nextTry(of: failure.call)) }
        switch shared.phase {
        case .registering, .running, .draining:
            advance()
            reportSlots()
        case .idle, .deregistering, .ended: break
        }
        return shared.takeActions()
    }

    private mutating func handle(_ event: ControllerEvent) {
        switch event {
        case .begin(let recovered): begin(recovered)
        case .drain: shared.drain("Shutting down")
        case .configured(let configuration): configured(configuration)
        case .registered(let result, let isNew): registration.registered(result, isNew: isNew, &shared)
        case .polled(let result, let limit, let sentAt):
            polling.rate.announced(limit)
            if let sentAt { polling.rate.wasSent(at: sentAt) }
            polled(result)
        case .reserved(let asked, let result):
            reserving.reserved(asked, result, &shared, isPaused: polling.isPaused)
        case .renewed(let asked, let result, let failed): renewed(asked, result, failed)
        case .gaveBack(let jobs, let failure): shared.gaveBack(jobs, failure)
        case .tokens(let asked, let result, let time):
            launching.issued(
                asked, result, serverTime: time, &shared, launcher: &launcher, isPaused: polling.isPaused)
        case .launcherEnded(let job, let outcome):
            stops.launcherEnded(job)
            exits.launcherEnded(job, outcome, &shared, launcher: &launcher)
        case .states(let query, let result, let failed):
            watching.received(query, result, failed, &shared, launcher: &launcher, stops: &stops)
            guard case .success(let states) = result else { return }
            for id in query.without(failed.jobs).ended {
                exits.settle(id, states, &shared, launcher: &launcher, reports: &reports)
            }
        case .finished(let job, let failure): reports.finished(job, failure, &shared, settleBy: shutdown.settleBy)
        case .deregistered(let failure):
            shutdown.deregistered(failure, &shared)
            end()
        case .slots(let grant): shared.slots.received(grant, at: shared.now)
        case .slotsCall: shared.slots.mustReport = true
        }
    }

    /// Does everything that is due. What is reserved is no longer in the backlog when the waiting jobs are told why they wait, and
    /// how much of the list is requested depends on the slots that are left.
    private mutating func advance() {
        registration.advance(&shared)
        launcher.advance(&shared)
        shared.expireIfDue()
        reserving.advance(
            &shared, from: &polling, launcher: launcher, launching: launching, isStackKnown: isStackKnown)
        polling.tellWaiting(&shared, launcher: launcher, launching: launching)
        polling.advance(&shared, launcher: launcher, isStackKnown: isStackKnown)
        let gaveUp = launching.advance(&shared, isPaused: polling.isPaused, isStackKnown: isStackKnown)
        if gaveUp { reserving.letGoOfUncertain(.noToken, &shared) }
        watching.advance(&shared)
        shutdown.beginSettling(shared)
        reports.advance(&shared, settleBy: shutdown.settleBy)
        renewing.advance(&shared, reports: reports)
        stops.advance(&shared)
        polling.warnOfSilence(&shared)
        sayStatusIfDue()
        shared.giveBackIfDue()
        let isWaiting = isWaitingForResponses
        if shutdown.advance(&shared, isWaiting: isWaiting, unreported: unreported, registration: registration) { end() }
    }

    /// When the machine wants to be stepped again if no event comes before; `nil` when only an event can change
    /// anything.
    var wakeAt: Duration? {
        guard shared.phase == .registering || shared.phase == .running || shared.phase == .draining else { return nil }
        let times = [
            registration.wakeAt(shared),
            launcher.wakeAt(shared),
            shared.givingBack.nextExpiry,
            reserving.wakeAt(
                shared, polling: polling, launcher: launcher, launching: launching, isStackKnown: isStackKnown),
            polling.wakeAt(shared, isStackKnown: isStackKnown),
            launching.wakeAt(shared, isPaused: polling.isPaused, isStackKnown: isStackKnown),
            watching.wakeAt(shared),
            reports.wakeAt,
            renewing.wakeAt(shared, reports),
            stops.wakeAt(shared),
            shared.slots.bidBy,
            shared.slots.isShared ? reserving.slotsAreUsableAt(shared, launching: launching) : nil,
            shutdown.wakeAt,
        ]
        return times.lazy.compactMap { $0 }.min()
    }

    // MARK: What is more than one concern's

    private mutating func begin(_ recovered: [JobID]) {
        shared.begin()
        for id in recovered { shared.ledger.insertFound(id, shared.configuration, at: shared.now) }
        for id in recovered { shared.wants(.follow(id)) }
        if !recovered.isEmpty { shared.log(.info, "\(recovered.count) jobs are running already") }
        shutdown.begin(shared)
        watching.begin(shared)
        renewing.begin(shared)
    }

    private mutating func configured(_ configuration: StackController.Configuration) {
        shared.configured(configuration)
        polling.configured(shared)
        shutdown.configured(shared)
        shared.log(.notice, "The stack has a new configuration")
    }

    private mutating func polled(_ result: Result<ScheduledJobsPage, CallFailure>) {
        let outcome = polling.polled(result, &shared, launcher: launcher)
        if let loss = outcome.loss {
            registration.noteLoss(loss, &shared)
            if registration.isNeeded { polling.restart(after: loss, &shared) }
        } else if case .success = result {
            registration.noteAsRegistered()
        }
        guard outcome.isReadToEnd else { return }
        launcher.listRead(polling.reading, &shared)
        shutdown.listRead(
            &shared, polling: polling, launcher: launcher, launching: launching, watching: watching)
    }

    private mutating func renewed(
        _ asked: [JobID], _ result: Result<Reservation, CallFailure>, _ failed: FailedParts
    ) {
        for (id, verdict) in renewing.renewed(asked, result, failed, &shared) {
            guard let entry = shared.ledger[id] else { continue }
            let isOver = entry.reservedUntil <= shared.now
            switch entry.stage {
            case .awaitingToken where verdict == .refused: shared.abandon(id)
            case .awaitingToken where verdict == .denied || (verdict == .unsaid && isOver):
                // Cancelled, or somebody else's by now.
                shared.log(.info, "The reservation is gone; the job is not launched", id)
                shared.release(id)
            case .launched where verdict == .denied && isOver && entry.isSeenReserved:
                watching.doubt(id, "is reserved for another stack", &shared, stops: &stops)
            case .ended where verdict == .denied, .finishing where verdict == .denied:
                // Whatever is to be reported of it, it is another stack's by now.
                shared.ledger.update(id) { $0.reservedUntil = .zero }
            case .confirming(let outcome):
                exits.confirmed(id, outcome, verdict, &shared, launcher: &launcher, reports: &reports)
            case .returning: shared.renewalSettled(ofReturning: id, verdict)
            default: break
            }
        }
    }

    /// Takes no further jobs: what may be reserved is given back with what is.
    private mutating func drain() {
        polling.backlog.removeAll()
        reserving.letGoOfUncertain(.ending, &shared)
    }

    /// How many jobs' ends could not be reported.
    var unreported: Int { exits.unreported + reports.unreported }

    /// Whether responses are out that an ending controller waits for.
    private var isWaitingForResponses: Bool {
        registration.pacing.isInFlight || polling.pacing.isInFlight || reserving.pacing.isInFlight
            || launching.pacing.isInFlight || shared.givingBack.callsInFlight > 0 || shared.ledger.finishing > 0
            || !shared.ledger.returning.isDisjoint(with: shared.ledger.renewing)
    }

    /// When a call that failed is made again; `nil` for one that is not.
    private func nextTry(of call: ControllerCall) -> Duration? {
        switch call {
        case .register: registration.wakeAt(shared)
        case .poll: polling.pacing.due(if: polling.isWanted(shared, isStackKnown: isStackKnown))
        case .reserve: reserving.pacing.due(if: shared.phase == .running)
        case .issueTokens: launching.pacing.due(if: shared.phase == .running)
        case .renew: renewing.pacing.due(if: true)
        case .queryStates: watching.nextTry(shared)
        case .giveBack, .finish, .deregister: nil
        }
    }

    /// Reports to the pool of slots, if there is one, what is used and wanted.
    private mutating func reportSlots() {
        guard shared.slots.isShared else { return }
        let configuration = shared.configuration
        var report = SlotAllocation.Report(occupied: shared.ledger.occupied, taken: shared.ledger.taken)
        report.least = shared.phase == .draining ? 0 : configuration.minimumSlots
        report.most = configuration.maximumInFlight
        let most = max(0, configuration.maximumInFlight - shared.ledger.occupied)
        let usable = reserving.usableSlots(most, shared, launcher: launcher, launching: launching, at: shared.now)
        report.canBid = polling.isUseful(shared, isStackKnown: isStackKnown) && usable > 0
        if report.canBid {
            let isOverdue = shared.slots.bidBy.map { shared.now >= $0 } ?? false
            report.isBid = isOverdue || polling.isCurrent(at: shared.now)
            if !polling.isChoosing || isOverdue {
                report.demand = polling.backlog.demand(usable)
            } else if report.isBid {
                // The list is being read again, and is still as it was a moment ago.
                report.demand = shared.slots.lastDemand(usable)
            }
        }
        if let report = shared.slots.report(report) { shared.wants(.reportSlots(report)) }
    }

    private mutating func sayStatusIfDue() {
        guard shutdown.wantsStatusLine(shared) else { return }
        shutdown.saysStatus(shared)
        shared.log(.info, status(at: shared.now).summary)
    }

    private mutating func end() {
        shared.end()
        shared.log(.info, status(at: shared.now).summary)
        shared.wants(.end(shared.fatal))
    }
}
