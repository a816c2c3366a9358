import Logging
import StacksAPI

/// Says of each job when it is launched, and how and after what time its launcher has ended, so that the log names every
/// job, those too that went well.
///
/// It belongs to the loop of one run. Names come from outside: they are escaped for the log.
struct LaunchLog {
    private let logger: Logger
    private var running: [JobID: (job: ScheduledJob?, since: Duration)] = [:]

    init(_ logger: Logger) { self.logger = logger }

    /// A launcher is started for the job.
    mutating func launched(_ job: ScheduledJob, at now: Duration) {
        running[job.id] = (job, now)
        logger.info("Launched the job", metadata: Self.facts(job.id, job).visible)
    }

    /// The launcher stays with a job that was found running; of its pipeline nothing is known.
    mutating func followed(_ id: JobID, at now: Duration) { running[id] = (nil, now) }

    /// The launcher has ended. Its time is that with this controller.
    ///
    /// - Returns: How long the launcher ran; `nil` for a job that was found running, of which only a part is known.
    @discardableResult
    mutating func ended(_ id: JobID, _ outcome: LaunchOutcome, at now: Duration) -> Duration? {
        guard let (job, since) = running.removeValue(forKey: id), outcome != .notFollowed else { return nil }
        var facts = Self.facts(id, job)
        // To the millisecond.
        let duration = Duration.milliseconds(Int64(((now - since) / .milliseconds(1)).rounded()))
        facts["duration"] = .stringConvertible(duration)
        switch outcome {
        case .exited(let exit):
            facts["exit_status"] = .stringConvertible(exit.status)
            if let detail = exit.detail { facts["reason"] = "\(detail)" }
        case .failed(let message), .impossible(let message), .unavailable(let message):
            facts["reason"] = "\(message)"
        case .notFollowed: break
        }
        logger.info("The job's launcher has ended", metadata: facts.visible)
        return job == nil ? nil : now - since
    }

    private static func facts(_ id: JobID, _ job: ScheduledJob?) -> Logger.Metadata {
        var facts: Logger.Metadata = ["job": "\(id)"]
        if let slug = job?.pipeline.slug { facts["pipeline"] = "\(slug)" }
        if let number = job?.build.number { facts["build"] = .stringConvertible(number) }
        return facts
    }
}
