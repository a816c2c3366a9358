import Logging
import StacksAPI

/// Finishes jobs with an error whose launcher ended before an agent had taken them.
///
/// Reports go at half of the rate that Buildkite allows (100 a second), so that launchers that all fail at once do not
/// lose their messages to the limit.
struct Finishing {
    private static let batch = 25
    private static let interval = Duration.milliseconds(500)

    /// Jobs to be finished, with the detail to report.
    private var reports: [(id: JobID, detail: String)] = []
    /// When the next of them may be.
    var pacing = Pacing()
    /// Jobs whose end could not be reported.
    private(set) var unreported = 0

    var isEmpty: Bool { reports.isEmpty }
    var jobs: [JobID] { reports.map(\.id) }
    var wakeAt: Duration? { pacing.due(if: !reports.isEmpty) }

    mutating func add(_ id: JobID, detail: String, _ shared: inout SharedState) {
        shared.ledger.move(id, to: .finishing, at: shared.now)
        shared.log(.error, "The launcher ended before the job started: \(detail)", id)
        reports.append((id, detail))
    }

    mutating func advance(_ shared: inout SharedState) {
        let now = shared.now
        guard !reports.isEmpty, pacing.isDue(at: now) else { return }
        pacing.due = now + Self.interval
        for report in reports.prefix(Self.batch) {
            guard let entry = shared.ledger[report.id], entry.stage == .finishing else { continue }
            // Another stack may have reserved it since.
            guard entry.reservedUntil > now else {
                unreported += 1
                shared.log(
                    .error, "The reservation expired before the job's end could be reported", report.id)
                shared.letGo(report.id, .unclear, coolFor: .ended)
                continue
            }
            // The call retries for no longer than the job is this stack's.
            let time = min(shared.configuration.settleTimeout, entry.reservedUntil - now)
            let status = shared.configuration.launchFailureExitStatus
            shared.asks(.finish(report.id, exitStatus: status, detail: report.detail, within: time))
        }
        reports.removeFirst(min(Self.batch, reports.count))
    }

    mutating func finished(_ id: JobID, _ failure: CallFailure?, _ shared: inout SharedState) {
        guard shared.ledger[id]?.stage == .finishing else { return }
        shared.returning.cool(id, .ended, at: shared.now)
        shared.totals.failed += 1
        guard let failure else {
            shared.ledger.remove(id)
            return
        }
        // At most once: a finish whose response was lost may have been heard.
        unreported += 1
        shared.wants(.failed(.finish, failure.kind))
        shared.log(.error, "The job's end could not be reported: \(failure.message)", id)
        shared.expire(id)
    }
}
