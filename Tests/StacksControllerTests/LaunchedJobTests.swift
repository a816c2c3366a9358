import HTTPTypes
import StacksAPI
import StacksController
import StacksTesting
import Synchronization
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite("Which jobs a controller takes, and what a launcher gets of them", .timeLimit(.minutes(5)))
struct LaunchedJobTests {
    @Test("a tag of several values takes the jobs of each")
    func severalValues() async throws {
        let templates = ["image=a", "image=b", "image=c"].map { rule in
            var template = SimulatedJob.Template()
            template.agentQueryRules = [rule]
            return template
        }
        let stack = try SimulatedStack(
            prepare: { $0.addJobs(templates, queue: "default") }, configure: { $0.tags = ["image": ["a", "b"]] })
        try await stack.controller.run()
        #expect(stack.simulator.jobs(in: .finished).count == 2)
        #expect(stack.simulator.jobs(in: .scheduled).map(\.listing.agentQueryRules) == [["queue=default", "image=c"]])
    }

    @Test("a matcher of the user's own decides instead of the tags, by whatever was listed, and its reasons are logged")
    func ownMatcher() async throws {
        let recorder = LogRecorder()
        var (release, other) = (SimulatedJob.Template(), SimulatedJob.Template())
        release.branch = "release"
        release.agentQueryRules = ["nobody=has"]
        other.branch = "feature"
        let stack = try SimulatedStack(
            logger: recorder.logger,
            prepare: { $0.addJobs([release, other], queue: "default") },
            configure: { configuration in
                configuration.tags = ["os": "linux"]
                configuration.matcher = { job in
                    job.build.branch == "release" ? .matches : .declined(reason: "only releases are built here")
                }
            })
        try await stack.controller.run()
        #expect(stack.simulator.jobs(in: .finished).map(\.listing.branch) == ["release"])
        #expect(stack.simulator.jobs(in: .scheduled).map(\.listing.branch) == ["feature"])
        #expect(stack.controller.status.totals.unmatched == 1)
        let lines = recorder.lines.filter { $0.message.contains("only releases are built here") }
        #expect(lines.map(\.message) == ["1 job does not match this stack: only releases are built here"])
    }

    @Test("a launcher gets everything that was listed, the stack and the queue")
    func listed() async throws {
        var template = SimulatedJob.Template()
        template.priority = 7
        template.agentQueryRules = ["os=linux"]
        template.pipelineSlug = "deploy"
        template.pipelineUUID = "01989c5e-0000-7000-8000-000000000001"
        template.buildUUID = "01989c5e-0000-7000-8000-000000000002"
        template.buildNumber = 42
        template.branch = "main"
        template.stepKey = "test"
        template.scheduledAt = .given(Date(timeIntervalSince1970: 1_799_000_000))
        template.runnableAt = .given(Date(timeIntervalSince1970: 1_799_000_001.5))
        let seen = Mutex<LaunchedJob?>(nil)
        let stack = try SimulatedStack(
            behavior: .init { agent in
                seen.withLock { $0 = agent.job }
                return try await agent.work()
            },
            prepare: { $0.addJobs([template], queue: "default") },
            configure: { $0.tags = ["os": .any] })
        try await stack.controller.run()
        let job = try #require(seen.withLock { $0 })
        #expect(job.stack == "stack" && job.queue == "default")
        #expect(
            job.scheduled
                == ScheduledJob(
                    id: job.id, priority: 7, agentQueryRules: ["queue=default", "os=linux"],
                    scheduledAt: Date(timeIntervalSince1970: 1_799_000_000),
                    runnableAt: Date(timeIntervalSince1970: 1_799_000_001.5),
                    pipeline: .init(slug: "deploy", uuid: "01989c5e-0000-7000-8000-000000000001"),
                    build: .init(uuid: "01989c5e-0000-7000-8000-000000000002", number: 42, branch: "main"),
                    step: .init(key: "test")))
        // Nobody has asked what it runs.
        #expect(stack.simulator.report.requests[.getJob] == nil)
    }

    @Test("a launcher reads a job's command and environment with one request, however often it needs them")
    func details() async throws {
        var template = SimulatedJob.Template()
        template.command = "make release"
        template.environment = ["SECRET": "hunter2"]
        let stack = try SimulatedStack(
            behavior: .init { agent in
                let job = agent.job
                let details = try await job.details()
                #expect(details.command == "make release" && details.environment == ["SECRET": "hunter2"])
                #expect(try await agent.job.details() == details)
                #expect(!"\(job)".contains("hunter2") && !String(reflecting: job).contains("hunter2"))
                var dumped = ""
                dump(job, to: &dumped)
                #expect(!dumped.contains("hunter2"))
                return try await agent.work()
            },
            prepare: { $0.addJobs([template], queue: "default") })
        try await stack.controller.run()
        #expect(stack.simulator.report.requests[.getJob] == 1)
        #expect(stack.simulator.report.finished == 1)
    }

    @Test("a launcher whose request for the details fails gets the API's error, and may ask again")
    func detailsThatFail() async throws {
        let stack = try SimulatedStack(
            behavior: .init { agent in
                let error = await #expect(throws: StacksAPIError.self) { try await agent.job.details() }
                #expect(error?.code == .notFound)
                #expect(try await agent.job.details().command == "echo hello")
                return try await agent.work()
            },
            prepare: { simulator in
                simulator.addJobs(1, queue: "default")
                simulator.addFault(SimulatorFault(.refuse(status: .notFound, message: "Gone"), for: .getJob))
            })
        try await stack.controller.run()
        #expect(stack.simulator.report.finished == 1)
        let alone = LaunchedJob(scheduled: ScheduledJob(id: "a"), acquisitionToken: Secret("t"))
        await #expect(throws: StacksAPIError.self) { try await alone.details() }
    }
}
