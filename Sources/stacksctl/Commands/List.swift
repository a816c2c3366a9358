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
            // What was read is good. It is printed, and then it is said that it is not all.
            interruption = error
        }
        // A sequence of pages has at least one: the first is always asked for.
        guard let last else { throw Failure.refused("the server gave no page.") }
        var joined = last.value
        joined.jobs = jobs
        joined.unreadableJobs = unreadable
        var answer = Answer(joined).from(last)
        answer.interruption = interruption.map { error in
            .refused("this is not the whole list: \(printable(error.description))")
        }
        return answer
    }
}

extension Answer {
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
            notes.append("More follow: \(cursor ?? "the server gives no cursor to ask for them with")")
        }
        for job in page.unreadableJobs {
            let name = job.id.map { " (\(printable($0.description)))" } ?? ""
            notes.append("Not readable, and left out: \(printable(job.description))\(name)")
        }
        let lines = page.jobs.isEmpty ? ["No scheduled jobs."] : table.lines
        return notes.isEmpty ? lines : lines + [""] + notes
    }
}

extension JSONValue {
    /// What is known of a job that could not be read. The API has no such thing; the names are those of the model.
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
