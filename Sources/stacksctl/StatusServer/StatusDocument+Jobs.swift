import StacksAPI
import StacksController

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension StatusDocument {
    /// The jobs in flight, those first that have been known for longest: as many as are asked for.
    func writeJobs(to text: inout JSONText) {
        let all = stacks.flatMap { stack in
            (stack.jobs?.inFlight ?? []).map { (stack: stack.controller, job: $0) }
        }
        let found = query.find.isEmpty ? all : all.filter { matches($0.job, of: $0.stack) }
        text.field("are_jobs_known", stacks.allSatisfy { $0.jobs != nil })
        text.field("jobs_in_flight", all.count)
        text.field("jobs_found", found.count)
        // Each stack's are in order.
        let ordered = stacks.count > 1 ? found.sorted { $0.job.known > $1.job.known } : found
        text.array("jobs", ordered.prefix(query.jobs)) { write($1.job, of: $1.stack, to: &$0) }
    }

    private func write(_ job: ControllerJobs.Job, of stack: StackController, to text: inout JSONText) {
        text.object { text in
            text.field("id", shown(job.id.description))
            text.field("stack", stack.stackKey)
            text.field("queue", stack.queue.rawValue)
            text.field("state", job.isUnresponsive ? "unresponsive" : job.stage.rawValue)
            text.field("state_seconds", seconds: job.inStage)
            text.field("known_seconds", seconds: job.known)
            text.field("launched_seconds_ago", seconds: job.sinceLaunch)
            writeListed(job.listed, scheduledAt: job.listed?.scheduledAt, to: &text)
            text.field("log_file", job.sinceLaunch == nil ? nil : subject.logFile(stack.stackKey, job.id))
        }
    }

    /// What a listing said; nulls for a job that was found running.
    func writeListed(_ listed: ScheduledJob?, scheduledAt: Date?, to text: inout JSONText) {
        text.field("priority", listed?.priority)
        text.field("scheduled_at", scheduledAt)
        text.field("pipeline", listed?.pipeline.slug.map(shown))
        text.field("build", listed?.build.number)
        text.field("branch", listed?.build.branch.map(shown))
        text.field("step", listed?.step.key.map(shown))
        text.array("rules", (listed?.agentQueryRules ?? []).prefix(Self.mostRules)) { $0.string(shown($1)) }
    }

    private func matches(_ job: ControllerJobs.Job, of stack: StackController) -> Bool {
        let state = job.isUnresponsive ? "unresponsive" : job.stage.rawValue
        var texts = [job.id.description, state, stack.stackKey, stack.queue.rawValue]
        if let listed = job.listed {
            texts += [listed.pipeline.slug, listed.build.branch, listed.step.key].compactMap { $0.map(shown) }
            if let number = listed.build.number { texts.append("#\(number)") }
            texts += listed.agentQueryRules.prefix(Self.mostRules).map(shown)
        }
        return texts.contains { $0.lowercased().contains(query.find) }
    }
}
