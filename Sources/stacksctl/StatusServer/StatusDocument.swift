import Logging
import StacksAPI
import StacksController

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What `/status` says: a document of JSON, whose keys are documented and stay.
struct StatusDocument {
    /// What one stack says of itself.
    struct Stack: Sendable {
        var controller: StackController
        /// `nil` when the controller does not answer in time: something blocks its threads.
        var jobs: ControllerJobs?
    }

    var subject: StatusSubject
    var stacks: [Stack]
    var query: StatusQuery
    var now = Date()

    /// The longest text of a job's fields, in characters.
    static let longestText = 200
    /// How many rules of a job are shown.
    static let mostRules = 20

    /// The bytes of the document.
    var bytes: [UInt8] {
        var text = JSONText()
        text.object { text in
            text.field("version", StacksAPIVersion.current)
            text.field("time", now)
            text.field("started_at", subject.observation.startedAt)
            write(subject.liveness, &text, "live", "live_reason")
            write(subject.readiness, &text, "ready", "ready_reason")
            text.field("slots", subject.slots?.slots)
            text.field("slots_used", subject.slots?.used)
            write(subject.observation.history.hour(of: stacks.map(\.controller.stackKey)), to: &text)
            text.array("stacks", stacks) { write($1, to: &$0) }
            writeJobs(to: &text)
            text.array("errors", subject.observation.problems.all) { write($1, to: &$0) }
        }
        return text.bytes + [UInt8(ascii: "\n")]
    }

    private func write(
        _ health: ControllerHealth, _ text: inout JSONText, _ name: StaticString, _ reason: StaticString
    ) {
        text.field(name, health.isGood)
        text.field(reason, health.reason)
    }

    private func write(_ stack: Stack, to text: inout JSONText) {
        let (controller, status) = (stack.controller, stack.controller.status)
        let hour = subject.observation.history.hour(of: [controller.stackKey])
        text.object { text in
            text.field("key", controller.stackKey)
            text.field("queue", controller.queue.rawValue)
            text.field("phase", status.phase.rawValue)
            write(controller.readiness(), &text, "ready", "ready_reason")
            text.field("idle_reason", status.idleReason?.label)
            text.field("idle_text", status.idleReason?.description)
            text.field("start_trouble", status.startTrouble.map(shown))
            text.field("last_failure", status.lastFailure.map(shown))
            text.field("is_paused", status.isPaused)
            text.field("slots", status.slots)
            text.field("in_flight", status.current.inFlight)
            write(status.current, to: &text)
            text.field("knows_all_waiting", status.knowsAllWaiting)
            text.field("waiting_counted_seconds_ago", seconds: status.sinceWaitingCount)
            text.field("polled_seconds_ago", seconds: status.sinceLastPoll)
            text.field("retries_in_seconds", seconds: status.retriesIn)
            writeOldest(status.oldestWaiting, stack.jobs?.oldestWaiting, to: &text)
            write(status.totals, to: &text)
            text.array("rate_limits", subject.observation.limits.uses.filter { $0.stack == controller.stackKey }) {
                text, use in
                text.object { text in
                    text.field("scope", use.scope)
                    text.field("limit", use.limit)
                    text.field("used", use.used)
                }
            }
            write(hour, to: &text)
        }
    }

    /// A number for each minute, the oldest first.
    private func write(_ hour: [RunHistory.Minute], to text: inout JSONText) {
        text.object("last_hour") { text in
            text.array("launched", hour) { $0.number($1.launched) }
            text.array("finished", hour) { $0.number($1.finished) }
            text.array("failed", hour) { $0.number($1.failed) }
            text.array("dispatch_p50_seconds", hour) { $0.seconds($1.latencies?.duration(quantile: 0.5)) }
            text.array("dispatch_p95_seconds", hour) { $0.seconds($1.latencies?.duration(quantile: 0.95)) }
        }
    }

    private func write(_ current: ControllerStatus.Current, to text: inout JSONText) {
        text.object("jobs") { text in
            text.field("waiting", current.waiting)
            text.field("reserved", current.reserved)
            text.field("launching", current.launching)
            text.field("running", current.running)
            text.field("stopping", current.stopping)
            text.field("unresponsive", current.unresponsive)
            text.field("settling", current.settling)
        }
    }

    private func write(_ totals: ControllerStatus.Totals, to text: inout JSONText) {
        text.object("totals") { text in
            text.field("seen", totals.seen)
            text.field("unmatched", totals.unmatched)
            text.field("unreadable", totals.unreadable)
            text.field("reserved", totals.reserved)
            text.field("not_reserved", totals.notReserved)
            text.field("launched", totals.launched)
            text.field("finished", totals.finished)
            text.field("cancelled", totals.cancelled)
            text.field("failed", totals.failed)
            text.field("released", totals.released)
            text.field("unreported", totals.unreported)
        }
    }

    private func writeOldest(
        _ waiting: ControllerStatus.WaitingJob?, _ listed: ScheduledJob?, to text: inout JSONText
    ) {
        guard let waiting else { return text.field("oldest_waiting", nil as String?) }
        text.object("oldest_waiting") { text in
            text.field("id", shown(waiting.job.description))
            text.field("waited_seconds", seconds: waiting.waited)
            writeListed(listed?.id == waiting.job ? listed : nil, scheduledAt: waiting.scheduledAt, to: &text)
        }
    }

    private func write(_ problem: RecentProblems.Problem, to text: inout JSONText) {
        text.object { text in
            text.field("time", problem.time)
            text.field("level", problem.level.rawValue)
            text.field("message", problem.message)
            text.field("stack", problem.stack)
            text.field("job", problem.job)
        }
    }

    /// Text from outside, cropped: a listing may hold a branch of a megabyte.
    func shown(_ text: String) -> String { text.cropped(to: Self.longestText) }
}
