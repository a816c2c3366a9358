import Logging
import StacksAPI

/// Finishes jobs with an error whose launcher ended before an agent had taken them.
///
/// Reports go at half of the rate that Buildkite allows (100 a second), so that launchers that all fail at once do not
/// lose their messages to the limit.
struct FailureReports {
    private static let batch = 25
    private static let interval = Duration.milliseconds(500)

    /// How long the client may retry one report.
    private static let longestCall = Duration.seconds(30)

    /// Jobs to be finished, with the detail to report.
    private var queue: [(id: JobID, detail: String)] = []
    /// When the next of them may be.
    var pacing = Pacing()
    /// Jobs whose end could not be reported.
    private(set) var unreported = 0

    var isEmpty: Bool { queue.isEmpty }
    var jobs: [JobID] { queue.map(\.id) }
    var wakeAt: Duration? { pacing.due(if: !queue.isEmpty) }

    mutating func add(_ id: JobID, detail: String, _ shared: inout SharedState) {
        shared.ledger.move(id, to: .finishing, at: shared.now)
        shared.log(.error, "The launcher ended before the job started: \(detail)", id)
        queue.append((id, detail))
    }

    /// - Parameter settleBy: When an ending controller stops waiting.
    mutating func advance(_ shared: inout SharedState, settleBy: Duration?) {
        let now = shared.now
        if let settleBy, pacing.due >= settleBy { giveUp(&shared) }
        guard !queue.isEmpty, pacing.isDue(at: now) else { return }
        pacing.due = now + Self.interval
        for report in queue.prefix(Self.batch) {
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
            let time = min(max(shared.configuration.settleTimeout, Self.longestCall), entry.reservedUntil - now)
            let status = shared.configuration.launchFailureExitStatus
            shared.ledger.update(report.id) { $0.report = (status, report.detail) }
            shared.asks(.finish(report.id, exitStatus: status, detail: report.detail, within: time))
        }
        queue.removeFirst(min(Self.batch, queue.count))
        if let settleBy, pacing.due >= settleBy { giveUp(&shared) }
    }

    /// Gives back the jobs whose reports would be sent after the end of the controller.
    private mutating func giveUp(_ shared: inout SharedState) {
        for (id, _) in queue where shared.ledger[id]?.stage == .finishing {
            giveUp(id, "the controller ends before", &shared)
        }
        queue = []
    }

    /// The job's end is not reported: it is given back, while it is this stack's.
    private mutating func giveUp(_ id: JobID, _ reason: String, _ shared: inout SharedState) {
        unreported += 1
        shared.totals.failed += 1
        shared.log(.error, "The job's end could not be reported, and the job is given back: \(reason)", id)
        shared.letGo(id, .unclear, coolFor: .ended)
    }

    /// - Parameter settleBy: When an ending controller stops waiting.
    mutating func finished(
        _ id: JobID, _ failure: CallFailure?, _ shared: inout SharedState, settleBy: Duration?
    ) {
        guard shared.ledger[id]?.stage == .finishing else { return }
        if failure == nil { pacing.succeeded(next: pacing.due) }
        if let failure, Self.canReportAgain(failure), !shared.isCutOff {
            return reportAgain(id, failure, &shared, settleBy: settleBy)
        }
        shared.givingBack.cool(id, .ended, at: shared.now)
        shared.totals.failed += 1
        guard let failure else {
            shared.ledger.remove(id)
            return
        }
        // At most once: a finish whose response was lost may have been heard.
        unreported += 1
        shared.wants(.failed(.finish, failure.kind))
        shared.log(
            .error, "The job's end could not be reported: \(failure.message)",
            LogFacts(job: id, failure, of: .finish))
        shared.expire(id)
    }

    /// Whether a finish was certainly not accepted, for a reason that may pass.
    private static func canReportAgain(_ failure: CallFailure) -> Bool {
        guard !failure.mayHaveTakenEffect else { return false }
        return switch failure.kind {
        case .transient, .rateLimited, .forbidden, .notFound: true
        case .unauthorized, .rejected: false
        }
    }

    /// Retries what was refused, later and later. When that would be after the end of the reservation, or of the
    /// controller, the job is given back.
    private mutating func reportAgain(
        _ id: JobID, _ failure: CallFailure, _ shared: inout SharedState, settleBy: Duration?
    ) {
        guard let entry = shared.ledger[id], let report = entry.report else { return }
        let now = shared.now
        shared.wants(.failed(.finish, failure.kind))
        // What was sent together and is refused together is one failure.
        if pacing.due <= now + Self.interval {
            pacing.failed(at: now, retryAfter: failure.retryAfter, jitter: &shared.jitter)
        }
        let due = pacing.due
        guard due < min(entry.reservedUntil, settleBy ?? entry.reservedUntil) else {
            return giveUp(id, failure.message, &shared)
        }
        shared.ledger.update(id) { $0.isReportRefused = true }
        queue.append((id, report.detail))
        let wait = (due - now).formattedSeconds
        shared.log(
            .warning, "The job's end is reported again in \(wait) s: \(failure.message)",
            LogFacts(job: id, failure, of: .finish))
    }
}
