import Logging
import StacksAPI

/// Stops launchers, each once, and looks after those that do not end.
struct Stopping {
    /// When launchers were told to stop, the earliest first, until that is looked at again.
    private var stops: [(id: JobID, at: Duration)] = []
    /// Launchers that were told to stop and have not ended for long.
    private(set) var unresponsive: Set<JobID> = []

    /// When the oldest stop that was not looked at again is to be.
    func wakeAt(_ shared: SharedState) -> Duration? { stops.first.map { $0.at + shared.configuration.stopTimeout } }

    /// Stops the launcher of a job. The job is not looked at again until its launcher has ended.
    mutating func stop(_ id: JobID, _ reason: String, _ kind: JobLedger.StopReason, _ shared: inout SharedState) {
        shared.log(.info, "Stopping the launcher: the job \(reason)", id)
        shared.ledger.move(id, to: .stopping(kind), at: shared.now)
        stops.append((id, shared.now))
        shared.wants(.stop(id))
    }

    /// Says of a launcher that has not ended long after it was stopped that it keeps its slot. Once for each stop.
    mutating func advance(_ shared: inout SharedState) {
        while let due = wakeAt(shared), due <= shared.now {
            let (id, at) = stops.removeFirst()
            guard let entry = shared.ledger[id], case .stopping = entry.stage, entry.since == at else { continue }
            unresponsive.insert(id)
            let seconds = (shared.now - at).formattedSeconds
            shared.log(.error, "The launcher was cancelled \(seconds) s ago and has not ended: it keeps its slot", id)
        }
    }

    mutating func launcherEnded(_ id: JobID) { unresponsive.remove(id) }
}
