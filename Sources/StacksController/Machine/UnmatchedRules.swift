import Logging
import StacksAPI
import StacksTransport

/// Why listed jobs are left alone, by the rule that decided it: the log has one line a rule, however many jobs have it.
struct UnmatchedRules {
    /// A line of the log.
    struct Line {
        var level: Logger.Level
        var message: String
        /// The one job that it is about, or the first of several.
        var job: JobID?
    }

    private struct Rule: Hashable {
        var text: String
        /// Whether it has no `=`, so that nobody can match it.
        var isInvalid: Bool
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

    private var tallies: [Rule: Tally] = [:]
    /// Jobs whose rule is one too many.
    private var others = 0
    private var saidOfOthersAt: Duration?
    private var hasNews = false

    /// Counts a job that was listed for the first time.
    mutating func note(_ rule: String, isInvalid: Bool = false, of job: JobID) {
        hasNews = true
        // Cropped before it is kept: a rule can be as long as a response.
        let rule = Rule(text: VisibleText.escaped(rule, limit: 200), isInvalid: isInvalid)
        if tallies[rule] == nil, tallies.count >= Self.maximumRules { return others += 1 }
        tallies[rule, default: Tally(first: job)].count += 1
        if tallies[rule]?.count == 1 { tallies[rule]?.first = job }
    }

    /// The lines to log at `now`, by rule: for a new rule at once, for a known one after a while.
    mutating func lines(at now: Duration) -> [Line] {
        guard hasNews else { return [] }
        hasNews = false
        var lines: [Line] = []
        for (rule, tally) in tallies.sorted(by: { $0.key.text < $1.key.text }) {
            guard tally.count > 0 else {
                // Forgotten, so that there is room for rules of today.
                if let saidAt = tally.saidAt, now - saidAt >= Self.interval * 10 { tallies[rule] = nil }
                continue
            }
            if let saidAt = tally.saidAt, now - saidAt < Self.interval {
                hasNews = true
                continue
            }
            tallies[rule]?.count = 0
            tallies[rule]?.saidAt = now
            lines.append(Self.line(rule, tally))
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

    private static func line(_ rule: Rule, _ tally: Tally) -> Line {
        if rule.isInvalid {
            let jobs = tally.count == 1 ? "1 job is" : "\(tally.count) jobs are"
            return Line(
                level: .warning, message: "\(jobs) skipped: the rule \(rule.text) is not of the form key=value",
                job: tally.first)
        }
        return Line(
            level: .info, message: "\(Self.jobs(tally.count)) not match this stack: no tag matches \(rule.text)",
            job: tally.first)
    }

    private static func jobs(_ count: Int) -> String { count == 1 ? "1 job does" : "\(count) jobs do" }
}
