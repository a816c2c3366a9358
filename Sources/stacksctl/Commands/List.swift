import ArgumentParser
import StacksAPI

/// `stacksctl list`
struct List: APICommand {
    static let configuration = CommandConfiguration.subcommand(
        abstract: "List the scheduled jobs of a queue, oldest first.",
        discussion: """
            Jobs are listed until they change state; reserved ones are not. The list is no snapshot: jobs can appear \
            behind a cursor, so read from the start again rather than hold on to one.

            EXAMPLES:
              stacksctl list --stack mac-fleet --queue default --limit 10
              stacksctl list --stack mac-fleet --queue default --all --output json
            """
    )

    @OptionGroup var stackOption: StackOption
    @OptionGroup var queueOption: QueueOption
    @OptionGroup(visibility: .hidden) var global: GlobalOptions

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How many jobs a page may hold, 1 to 1000. (default: the server's; with --all, 1000)",
            valueName: "n"
        )
    )
    var limit: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Begin after this cursor, which the page before gave.", valueName: "cursor")
    )
    var after: String?

    @Flag(help: "Read all pages and print them as one.")
    var all = false

    func validate() throws {
        if all, after != nil { throw ValidationError("--all begins at the start and cannot be used with --after.") }
    }

    func answer(from client: StacksClient) async throws -> Answer {
        guard all else {
            let response = try await client.scheduledJobs(
                stack: stackOption.stack,
                queue: queueOption.queue.key,
                limit: limit,
                after: after
            )
            return Answer(response.value).from(response)
        }
        var last: StacksResponse<ScheduledJobsPage>?
        var jobs: [ScheduledJob] = []
        let pages = client.allScheduledJobs(
            stack: stackOption.stack,
            queue: queueOption.queue.key,
            pageSize: limit ?? 1000
        )
        for try await page in pages {
            jobs += page.value.jobs
            last = page
        }
        // A sequence of pages has at least one: the first is always asked for.
        guard let last else { throw Failure.refused("the server gave no page.") }
        var joined = last.value
        joined.jobs = jobs
        return Answer(joined).from(last)
    }
}

extension Answer {
    /// A page of scheduled jobs.
    init(_ page: ScheduledJobsPage) {
        self.init(
            members: [
                "jobs": .array(page.jobs.map(JSONValue.init)),
                "page_info": [
                    "has_next_page": .bool(page.pageInfo.hasNextPage),
                    "end_cursor": .init(page.pageInfo.endCursor),
                ],
                "cluster_queue": [
                    "id": .init(page.clusterQueue.id?.description),
                    "dispatch_paused": .bool(page.clusterQueue.isDispatchPaused),
                ],
            ],
            lines: Self.lines(page)
        )
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
        if page.pageInfo.hasNextPage, let cursor = page.pageInfo.endCursor {
            notes.append("More follow: --after \(printable(cursor))")
        }
        let lines = page.jobs.isEmpty ? ["No scheduled jobs."] : table.lines
        return notes.isEmpty ? lines : lines + [""] + notes
    }
}

extension JSONValue {
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
