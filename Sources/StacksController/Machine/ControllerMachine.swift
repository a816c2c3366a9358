import Logging
import StacksAPI

/// The controller's mind: what is told to it goes in, what is to be done comes out.
///
/// It has no clock and no network. Every step is given the time, as the time since the controller was started, and
/// ``wakeAt`` says when it wants to be stepped again if nothing happens before. Handlers of events only take down what
/// has happened; ``advance(at:)`` then looks at what is known and does everything that is due.
struct ControllerMachine {
    let configuration: StackController.Configuration
    var matcher: JobMatcher
    var jitter: Jitter

    var phase: ControllerStatus.Phase = .idle
    var totals = ControllerStatus.Totals()
    var ledger = JobLedger()
    /// Why it ends, if that is an error.
    var fatal: StackControllerError?
    var lastFailure: (call: ControllerCall, message: String, kind: CallFailure.Kind)?
    /// Failures of this step that have yet to be said, with how long it is until the same is asked again.
    var failuresToSay: [(call: ControllerCall, message: String, asked: Duration?)] = []
    var refusals = Refusals()

    // Registering
    var registration = Pacing()
    var needsRegistration = true
    /// Whether the stack has ever been registered, so that there is something to de-register.
    var isRegistered = false
    /// Whether somebody had registered the stack before, and not de-registered it.
    var isInherited = false
    /// When the stack was registered anew, lately.
    var reregistrations: [Duration] = []
    /// Whether a sign that the stack is lost has been left alone, because it was registered anew just before.
    var hasLeftLoss = false

    // Polling
    var polling = Pacing()
    var reading = Reading()
    var lastPoll: Duration?
    var isPaused = false
    /// Why jobs are left alone, for the log.
    var unmatchedRules = UnmatchedRules()
    /// How many jobs a dry run has said last that suit.
    var saidOfDryRun: Int?
    /// When the stack was registered first.
    var runningSince: Duration = .zero
    /// Since when no poll has succeeded, once that has been said.
    var silentSince: Duration?
    /// The ID of the queue that the last page was about.
    var queueID: ClusterQueueID?
    /// Polls that were answered with 404 in a row, each after a registration.
    var vanishings = 0

    // Reserving
    var reservation = Pacing()
    /// Jobs that suit and were listed, the best first.
    var backlog = Backlog()
    /// How many jobs are asked for at a time; fewer after a request that was not accepted.
    var reservationLimit = BatchLimit()
    /// When the last reservation was asked for: it holds from some time after that.
    var reservationAskedAt: Duration = .zero
    /// Asked for, and the answer was lost: they may be reserved for this stack without being listed any more.
    var uncertain: [JobID] = []
    /// Jobs that are left alone until a time, because the list may still show them although they are dealt with.
    var cooling: [JobID: (until: Duration, why: Cooling)] = [:]

    // Launching
    var issuing = Pacing()
    var issuingLimit = BatchLimit()
    /// Why nothing can be started at the moment, if that is so.
    var startTrouble: StartTrouble?
    /// The last trouble that seems to be over, until an agent has come that was launched since.
    var pastTrouble: PastTrouble?
    /// Since when no request for tokens has succeeded.
    var tokenlessSince: Duration?
    /// Whether that has been so for long, so that one job at a time is tried.
    var isTokenOutage = false

    // Watching
    var watching = Pacing()
    var settling = Pacing()
    /// When the last question for states was asked: what it is answered with may be so old.
    var statesAskedAt: Duration = .zero
    var renewing = Pacing()
    /// When the last renewal was asked for, and what is being renewed.
    var renewalAskedAt: Duration = .zero
    var renewalInFlight: Set<JobID> = []
    /// Jobs to be finished with an error, and when the next of them may be.
    var reports: [(id: JobID, status: Int, detail: String)] = []
    var reporting = Pacing()
    /// When launchers were told to stop, the earliest first, until that is looked at again.
    var stops: [(id: JobID, at: Duration)] = []
    /// Launchers that were told to stop and have not ended for long.
    var deaf: Set<JobID> = []
    /// Whether it was said that another controller seems to use the key.
    var hasWarnedOfTwin = false
    /// Jobs to be given back, and calls in flight that do it.
    var returns: [JobID] = []
    var givingBack = 0
    /// When a job was let go of last, or a reservation of one that was had run out.
    var returnedAt: Duration = .zero
    /// When the next reservation has run out of those of jobs that were let go of, at the earliest.
    var nextLapse: Duration?
    /// Jobs whose launcher ended before an agent had them, and of which Buildkite could not be told.
    var unreported = 0

    // Ending
    /// When to stop waiting for what is left to be told; set when the last launcher has ended.
    var settleBy: Duration?
    var nextStatusLine: Duration?
    var deregistration = Pacing()

    /// The time of the last step: a clock that is set back does not take the machine with it.
    var latest: Duration = .zero

    var actions: [ControllerAction] = []

    init(configuration: StackController.Configuration, seed: UInt64) {
        self.configuration = configuration
        matcher = JobMatcher(tags: configuration.tags)
        jitter = Jitter(seed: seed)
    }

    /// Takes down `events` and returns what is to be done at `now`.
    mutating func step(_ events: [ControllerEvent], at now: Duration) -> [ControllerAction] {
        actions = []
        let now = max(now, latest)
        latest = now
        for event in events { handle(event, at: now) }
        sayFailures(at: now)
        if phase != .idle, phase != .deregistering, phase != .ended { advance(at: now) }
        defer { actions = [] }
        return actions
    }

    private mutating func handle(_ event: ControllerEvent, at now: Duration) {
        guard phase != .ended else { return }
        switch event {
        case .begin(let recovered): begin(recovered, at: now)
        case .drain: drain("Shutting down", at: now)
        case .registered(let result, let isNew): registered(result, isNew: isNew, at: now)
        case .polled(let result): polled(result, at: now)
        case .reserved(let asked, let result): reserved(asked, result, at: now)
        case .renewed(let asked, let result): renewed(asked, result, at: now)
        case .gaveBack(let jobs, let failure): gaveBack(jobs, failure, at: now)
        case .tokens(let asked, let result, let time): tokensIssued(asked, result, serverTime: time, at: now)
        case .launcherEnded(let job, let outcome): launcherEnded(job, outcome, at: now)
        case .states(let query, let result): statesAnswered(query, result, at: now)
        case .finished(let job, let failure): finished(job, failure, at: now)
        case .deregistered(let failure): deregistered(failure)
        }
    }

    /// Does everything that is due. The order is that of a job's life, so that a step takes a job as far as it can.
    private mutating func advance(at now: Duration) {
        registerIfDue(at: now)
        tryToStartIfDue(at: now)
        lapseIfDue(at: now)
        reserveIfDue(at: now)
        pollIfDue(at: now)
        issueTokensIfDue(at: now)
        watchIfDue(at: now)
        reportIfDue(at: now)
        renewIfDue(at: now)
        warnOfDeafLaunchers(at: now)
        warnOfSilence(at: now)
        logStatusIfDue(at: now)
        giveBackIfDue()
        endIfDone(at: now)
    }

    /// When the machine wants to be stepped again if no event comes before; `nil` when only an event can change
    /// anything.
    var wakeAt: Duration? {
        guard phase == .registering || phase == .running || phase == .draining else { return nil }
        // One question about states at a time: while one is out, its answer is the next thing to happen.
        let asksForStates = watching.isInFlight || settling.isInFlight || isCutOff
        let times = [
            registration.due(if: wantsRegistration),
            polling.due(if: wantsPoll),
            reservationDue,
            issuing.due(if: wantsTokens),
            watching.due(if: !asksForStates && !ledger.watched.isEmpty),
            settling.due(if: !asksForStates && !ledger.ended.isEmpty),
            renewing.due(if: wantsRenewal),
            reporting.due(if: !reports.isEmpty),
            nextTokenCheck,
            nextLapse,
            nextStopCheck,
            nextStartCheck,
            nextSilenceCheck,
            settleBy,
            nextStatusLine,
        ]
        return times.lazy.compactMap { $0 }.min()
    }

    // MARK: Beginning

    private mutating func begin(_ recovered: [JobID], at now: Duration) {
        phase = .registering
        for id in recovered {
            ledger.insert(id, job: nil, stage: .launched, at: now)
            // Whether an agent has it, or for whom it is reserved, is not known yet: nothing is done to it before.
            ledger.update(id) { entry in
                entry.mayBeReservedUntil = now + configuration.reservationExpiry
                entry.startBy = now + configuration.startLimit()
            }
            actions.append(.follow(id))
        }
        if !recovered.isEmpty { log(.info, "\(recovered.count) jobs are running already") }
        nextStatusLine = configuration.statusInterval.map { now + $0 }
        watching.due = now + configuration.watchInterval
        renewing.due = now + configuration.watchInterval
    }
}
