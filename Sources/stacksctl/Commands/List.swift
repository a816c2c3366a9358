import ArgumentParser
import StacksAPI

/// `stacksctl list`
struct List: APICommand {
    static let configuration = CommandConfiguration.subcommand(
        abstract: "List the scheduled jobs of a queue, oldest first.",
        discussion: """
            Lists jobs that are scheduled and not reserved. The list is not a snapshot: jobs can appear before a \
            cursor, so read from the start again instead of keeping one.

            EXAMPLES:
              stacksctl list --stack mac-fleet --queue default --limit 10
              stacksctl list --stack mac-fleet --queue default --all --output json
            """
    )

    @OptionGroup var stackOption: StackOption
    @OptionGroup var queueOption: QueueOption
    @OptionGroup(visibility: .globalOption) var global: GlobalOptions

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The number of jobs per page, 1 to 1000. (default: the server's; with --all, 1000)",
            valueName: "n"
        )
    )
    var limit: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Start after this cursor, from the previous page.", valueName: "cursor")
    )
    var after: String?

    @Flag(help: "Read all pages and print them as one.")
    var all = false

    func validate() throws {
        if all, after != nil {
            throw ValidationError("--all reads from the start and cannot be combined with --after.")
        }
    }

    func result(from client: StacksClient) async throws -> CommandResult {
        guard all else {
            let response = try await client.scheduledJobs(
                stack: stackOption.stack,
                queue: queueOption.queue.key,
                limit: limit,
                after: after
            )
            return CommandResult(response.value).from(response)
        }
        var last: StacksResponse<ScheduledJobsPage>?
        var jobs: [ScheduledJob] = []
        let pages = client.allScheduledJobs(
            stack: stackOption.stack,
            queue: queueOption.queue.key,
            pageSize: limit ?? 1000
        )
        var unreadable: [UnreadableJob] = []
        var interruption: StacksAPIError?
        do {
            for try await page in pages {
                let position = jobs.count + unreadable.count
                for var job in page.value.unreadableJobs {
                    job.position += position
                    unreadable.append(job)
                }
                jobs += page.value.jobs
                last = page
            }
        } catch let error as StacksAPIError where last != nil {
            // The pages read so far are valid: they are printed, with the error after them.
            interruption = error
        }
        // There is at least one page: the first one is always requested.
        guard let last else { throw Failure.refused("the server sent no page.") }
        var joined = last.value
        joined.jobs = jobs
        joined.unreadableJobs = unreadable
        var result = CommandResult(joined).from(last)
        result.interruption = interruption.map { error in
            .refused("this is not the whole list: \(printable(error.description))")
        }
        return result
    }
}

extension CommandResult {
    /// A page of scheduled jobs.
    init(_ page: ScheduledJobsPage) {
        var members: [String: JSONValue] = [
            "jobs": .array(page.jobs.map(JSONValue.init)),
            "page_info": [
                "has_next_page": .bool(page.pageInfo.hasNextPage),
                "end_cursor": .init(page.pageInfo.endCursor),
            ],
            "cluster_queue": [
                "id": .init(page.clusterQueue.id?.description),
                "dispatch_paused": .bool(page.clusterQueue.isDispatchPaused),
            ],
        ]
        if !page.unreadableJobs.isEmpty { members["unreadable_jobs"] = .array(page.unreadableJobs.map(JSONValue.init)) }
        self.init(members: members, lines: Self.lines(page))
    }

    private static func lines(_ page: ScheduledJobsPage) -> [String] {
        var table = Table(
            .left("JOB"),
            .right("PRIORITY"),
            .left("SCHEDULED"),
            .left("PIPELINE"),
            .right("BUILD"),
            .left("BRANCH"),
            .left("STEP"),
            .left("RULES")
        )
        for job in page.jobs {
            table.add(
                job.id.description,
                String(job.priority),
                job.scheduledAt.map(iso8601),
                job.pipeline.slug,
                job.build.number.map { String($0) },
                job.build.branch,
                job.step.key,
                job.agentQueryRules.joined(separator: " ")
            )
        }
        var notes: [String] = []
        if page.clusterQueue.isDispatchPaused { notes.append("The queue is paused: no job may be started.") }
        if page.pageInfo.hasNextPage {
            let cursor = page.pageInfo.endCursor.map { "--after \(printable($0))" }
            notes.append("More follow: \(cursor ?? "the server sent no cursor for them")")
        }
        for job in page.unreadableJobs {
            let name = job.id.map { " (\(printable($0.description)))" } ?? ""
            notes.append("Unreadable, skipped: \(printable(job.description))\(name)")
        }
        let lines = page.jobs.isEmpty ? ["No scheduled jobs."] : table.lines
        return notes.isEmpty ? lines : lines + [""] + notes
    }
}

extension JSONValue {
    /// What is known about a job that could not be read. The API has no such object; the names are the model's.
    init(_ job: UnreadableJob) {
        self = [
            "position": .integer(job.position), "id": .init(job.id?.description), "field": .string(job.field),
            "reason": .string(job.reason),
        ]
    }

    /// A scheduled job, as the API writes it.
    init(_ job: ScheduledJob) {
        self = [
            "id": .string(job.id.description),
            "priority": .integer(job.priority),
            "agent_query_rules": .array(job.agentQueryRules.map { .string($0) }),
            "scheduled_at": .init(job.scheduledAt),
            "runnable_at": .init(job.runnableAt),
            "pipeline": ["slug": .init(job.pipeline.slug), "uuid": .init(job.pipeline.uuid?.description)],
            "build": [
                "uuid": .init(job.build.uuid?.description),
                "number": .init(job.build.number),
                "branch": .init(job.build.branch),
            ],
            "step": ["key": .init(job.step.key)],
        ]
    }
}
