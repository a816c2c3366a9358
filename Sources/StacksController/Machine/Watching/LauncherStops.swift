import Logging
import StacksAPI

/// Stops launchers, each once, and reports those that do not end.
struct LauncherStops {
    /// When launchers were told to stop, the earliest first, until it is checked whether they have.
    private var stops: [(id: JobID, at: Duration)] = []
    /// Launchers that were told to stop and have not ended for long.
    private(set) var unresponsive: Set<JobID> = []

    /// When the oldest unchecked stop is to be checked.
    func wakeAt(_ shared: SharedState) -> Duration? { stops.first.map { $0.at + shared.configuration.stopTimeout } }

    /// Stops the launcher of a job. Nothing is done about the job until its launcher has ended.
    mutating func stop(_ id: JobID, _ reason: String, _ kind: JobLedger.StopReason, _ shared: inout SharedState) {
        shared.log(.info, "Stopping the launcher: the job \(reason)", id)
        shared.ledger.move(id, to: .stopping(kind), at: shared.now)
        stops.append((id, shared.now))
        shared.wants(.stop(id))
    }

    /// Reports launchers that have not ended long after they were stopped. Once for each stop.
    mutating func advance(_ shared: inout SharedState) {
        while let due = wakeAt(shared), due <= shared.now {
            let (id, at) = stops.removeFirst()
            guard let entry = shared.ledger[id], case .stopping = entry.stage, entry.since == at else { continue }
            unresponsive.insert(id)
            let seconds = (shared.now - at).formattedSeconds
            shared.log(
                .error, "The launcher is unresponsive: cancelled \(seconds) s ago, it has not ended and keeps its slot",
                id)
        }
    }

    mutating func launcherEnded(_ id: JobID) { unresponsive.remove(id) }
}
