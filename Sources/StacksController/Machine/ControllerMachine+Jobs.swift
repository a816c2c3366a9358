extension ControllerMachine {
    /// The jobs at `now`, with what is known of each, in no order: whoever asks can sort them.
    func jobs(at now: Duration) -> ControllerJobs {
        let now = max(now, shared.now)
        var jobs = ControllerJobs()
        jobs.oldestWaiting = polling.backlog.oldest
        jobs.inFlight.reserveCapacity(shared.ledger.occupied)
        shared.ledger.forEach { id, entry in
            jobs.inFlight.append(
                .init(
                    id: id, stage: entry.stage.shown, inStage: now - entry.since, known: now - entry.listedAt,
                    sinceLaunch: entry.job == nil || entry.launchedAt > .zero ? now - entry.launchedAt : nil,
                    isUnresponsive: stops.unresponsive.contains(id), listed: entry.job))
        }
        return jobs
    }
}

extension JobLedger.Stage {
    /// The stage as people are told of it.
    fileprivate var shown: ControllerJobs.Stage {
        switch self {
        case .reserving, .awaitingToken, .issuing: .reserved
        case .launched: .launching
        case .started: .running
        case .stopping: .stopping
        case .ended, .confirming, .finishing, .returning: .settling
        }
    }
}
