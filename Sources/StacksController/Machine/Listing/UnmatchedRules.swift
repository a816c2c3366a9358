import Logging
import StacksAPI
import StacksTransport

/// Why listed jobs are left alone, by the rule or the reason that decided it: the log has one line for each, however many
/// jobs it is about.
struct UnmatchedRules {
    /// A line of the log.
    struct Line {
        var level: Logger.Level
        var message: String
        /// The one job that it is about, or the first of several.
        var job: JobID?
    }

    /// What decided it, cropped before it is kept: a rule can be as long as a response.
    private struct Reason: Hashable {
        enum Kind { case unmatched, invalid, declined }

        var text: String
        var kind: Kind

        /// `nil` for a job that matches.
        init?(_ verdict: JobMatcher.Verdict) {
            let whole: String
            switch verdict {
            case .matches: return nil
            case .unmatched(let rule): (whole, kind) = (rule, .unmatched)
            case .invalid(let rule): (whole, kind) = (rule, .invalid)
            case .declined(let reason): (whole, kind) = (reason, .declined)
            }
            text = VisibleText.escaped(whole, limit: 200)
        }
    }

    private struct Tally {
        /// Jobs since the last line.
        var count = 0
        var first: JobID
        var saidAt: Duration?
    }

    /// Rules come from outside: of more than this many the rest is counted together.
    private static let maximumRules = 100

    /// The time between two lines about the same rule, for jobs that keep arriving.
    private static let interval = Duration.seconds(60)

    private var tallies: [Reason: Tally] = [:]
    /// Jobs whose rule is one too many.
    private var others = 0
    private var saidOfOthersAt: Duration?
    private var hasNews = false

    /// Counts a job that was listed for the first time and does not match.
    mutating func note(_ verdict: JobMatcher.Verdict, of job: JobID) {
        guard let reason = Reason(verdict) else { return }
        hasNews = true
        if tallies[reason] == nil, tallies.count >= Self.maximumRules { return others += 1 }
        tallies[reason, default: Tally(first: job)].count += 1
        if tallies[reason]?.count == 1 { tallies[reason]?.first = job }
    }

    /// The lines to log at `now`, in the order of the reasons: for a new one at once, for a known one after a while.
    mutating func lines(at now: Duration) -> [Line] {
        guard hasNews else { return [] }
        hasNews = false
        var lines: [Line] = []
        for (reason, tally) in tallies.sorted(by: { $0.key.text < $1.key.text }) {
            guard tally.count > 0 else {
                // Forgotten, so that there is room for rules of today.
                if let saidAt = tally.saidAt, now - saidAt >= Self.interval * 10 { tallies[reason] = nil }
                continue
            }
            if let saidAt = tally.saidAt, now - saidAt < Self.interval {
                hasNews = true
                continue
            }
            tallies[reason]?.count = 0
            tallies[reason]?.saidAt = now
            lines.append(Self.line(reason, tally))
        }
        if others > 0 {
            if let said = saidOfOthersAt, now - said < Self.interval {
                hasNews = true
            } else {
                lines.append(Line(level: .info, message: "\(Self.jobs(others)) not match, for other rules", job: nil))
                (others, saidOfOthersAt) = (0, now)
            }
        }
        return lines
    }

    private static func line(_ reason: Reason, _ tally: Tally) -> Line {
        switch reason.kind {
        case .unmatched:
            return Line(
                level: .info, message: "\(jobs(tally.count)) not match this stack: no tag matches \(reason.text)",
                job: tally.first)
        case .declined:
            return Line(
                level: .info, message: "\(jobs(tally.count)) not match this stack: \(reason.text)", job: tally.first)
        case .invalid:
            let jobs = tally.count == 1 ? "1 job is" : "\(tally.count) jobs are"
            return Line(
                level: .warning, message: "\(jobs) skipped: the rule \(reason.text) is not of the form key=value",
                job: tally.first)
        }
    }

    private static func jobs(_ count: Int) -> String { count == 1 ? "1 job does" : "\(count) jobs do" }
}
