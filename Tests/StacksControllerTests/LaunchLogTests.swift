import HTTPTypes
import Logging
import StacksAPI
import StacksTesting
import StacksTransport
import Synchronization
import Testing

@testable import StacksController

/// What the log says of jobs, and that nobody else writes in it.
@Suite("The controller's log")
struct LaunchLogTests {
    private static let hostile = "x\n2026-01-01 critical all is lost\u{1B}[2J\u{9B}\u{202E}\u{E0041}\u{200B}\u{2028}"

    private static let job = ScheduledJob(
        id: JobID("00000000-0000-7000-8000-000000000001"), priority: 0, agentQueryRules: [],
        pipeline: .init(slug: "deploy"), build: .init(number: 7, branch: "main"))

    @Test("a job that went well is named twice: launched, and ended with status and duration")
    func wentWell() {
        let recorder = LogRecorder()
        var log = LaunchLog(recorder.logger)
        log.launched(Self.job, at: .seconds(1))
        log.ended(Self.job.id, .exited(.success), at: .seconds(13.5))
        let facts = ["job": "\(Self.job.id)", "pipeline": "deploy", "build": "7"]
        #expect(
            recorder.lines == [
                .init(level: .info, message: "Launched the job", metadata: facts),
                .init(
                    level: .info, message: "The job's launcher has ended",
                    metadata: facts.merging(["exit_status": "0", "duration": "12.5 seconds"]) { $1 }),
            ])
    }

    @Test("one that did not is told with the reason, and one that was found running by what is known of it")
    func wentWrong() {
        let recorder = LogRecorder()
        var log = LaunchLog(recorder.logger)
        log.launched(Self.job, at: .zero)
        log.ended(Self.job.id, .failed("no disk"), at: .seconds(1))
        #expect(
            recorder.lines.last?.metadata["reason"] == "no disk" && recorder.lines.last?.metadata["exit_status"] == nil)
        log.followed(Self.job.id, at: .zero)
        log.ended(Self.job.id, .exited(JobExit(status: 3)), at: .seconds(1))
        #expect(
            recorder.lines.last?.metadata == ["job": "\(Self.job.id)", "exit_status": "3", "duration": "1.0 seconds"])
        // Nobody stays with it, so nothing has ended.
        log.followed(Self.job.id, at: .zero)
        log.ended(Self.job.id, .notFollowed, at: .seconds(1))
        #expect(recorder.lines.count == 3)
    }

    @Test("names that come from pipelines reach no handler with what is not seen")
    func escapes() {
        let recorder = LogRecorder()
        var log = LaunchLog(recorder.logger)
        var job = Self.job
        job.id = JobID(Self.hostile)
        job.pipeline.slug = Self.hostile
        log.launched(job, at: .zero)
        log.ended(job.id, .failed(Self.hostile), at: .zero)
        for line in recorder.lines {
            for text in [line.message] + line.metadata.values {
                #expect(!text.unicodeScalars.contains { VisibleText.isHidden($0) }, "\(text)")
            }
        }
    }

    @Test("what a controller writes of rules, responses and launchers reaches no handler with what is not seen")
    func escapesAll() async throws {
        let recorder = LogRecorder()
        let behavior = SimulatedAgents.Behavior { _ in throw HostileError() }
        let stack = try SimulatedStack(logger: recorder.logger, behavior: behavior) { simulator in
            var template = SimulatedJob.Template()
            template.agentQueryRules = [Self.hostile, "os=\(Self.hostile)"]
            simulator.addJobs(2, template: template)
            template.agentQueryRules = ["os=\(Self.hostile)"]
            simulator.addJobs(2, template: template)
            simulator.addJobs(1)
            simulator.addFault(
                SimulatorFault(.refuse(status: .serviceUnavailable, message: Self.hostile), for: .reserveJobs))
        }
        try await stack.controller.run()
        let text = recorder.lines.map { "\($0.message) \($0.metadata)" }
        for part in ["not match this stack", "not of the form", "reserve", "The launcher ended"] {
            #expect(text.contains { $0.contains(part) }, "\(text)")
        }
        for line in text { #expect(!line.unicodeScalars.contains { VisibleText.isHidden($0) }, "\(line)") }
        #expect(stack.controller.status.summary.unicodeScalars.allSatisfy { !VisibleText.isHidden($0) })
    }

    private struct HostileError: Error, CustomStringConvertible { let description = hostile }

    // MARK: Calls

    @Test(
        "a call that failed is named as in the client's lines, with what it was for and the status of its response",
        arguments: [
            (.register, "registerStack", "register"), (.poll, "scheduledJobs", "poll"),
            (.reserve, "reserveJobs", "reserve"), (.renew, "reserveJobs", "renew"),
            (.giveBack, "reserveJobs", "give_back"), (.issueTokens, "issueJobAcquisitionTokens", "issue_tokens"),
            (.queryStates, "jobStates", "get_states"), (.finish, "finishJob", "finish"),
            (.deregister, "deregisterStack", "deregister"),
        ] as [(ControllerCall, String, String)])
    func failedCall(_ call: ControllerCall, operation: String, purpose: String) {
        var error = StacksAPIError(code: .rateLimited, operation: .reserveJobs, status: .tooManyRequests, message: "no")
        error.attempts = 3
        let facts = LogFacts(job: "j", CallFailure(error), of: call)
        #expect(
            facts.metadata?.mapValues { "\($0)" }
                == ["job": "j", "call": operation, "purpose": purpose, "status": "429", "attempt": "3"])
        let without = LogFacts(CallFailure(.transient, message: "no"), of: call)
        #expect(without.metadata?.mapValues { "\($0)" } == ["call": operation, "purpose": purpose])
        #expect(LogFacts().metadata == nil)
    }

    @Test("the status is one line when somebody asks for it")
    func status() throws {
        let recorder = LogRecorder()
        let stack = try SimulatedStack(logger: recorder.logger)
        stack.controller.logStatus()
        try StackFleet([stack.controller], logger: recorder.logger).logStatus()
        let line = LogRecorder.Line(level: .notice, message: stack.controller.status.summary, metadata: [:])
        #expect(recorder.lines == [line, line])
    }

    // MARK: Rules

    private static func id(_ number: Int) -> JobID { ScheduledJob.number(number).id }

    @Test("jobs with the same rule are one line, which counts them")
    func grouped() {
        var rules = UnmatchedRules()
        for number in 0..<50 { rules.note(.unmatched(rule: "os=macos"), of: Self.id(number)) }
        rules.note(.unmatched(rule: "arch=arm"), of: Self.id(50))
        rules.note(.invalid(rule: "nonsense"), of: Self.id(51))
        for number in 52..<54 { rules.note(.declined(reason: "the branch is protected"), of: Self.id(number)) }
        rules.note(.matches, of: Self.id(54))
        let lines = rules.lines(at: .zero)
        #expect(
            lines.map(\.message) == [
                "1 job does not match this stack: no tag matches arch=arm",
                "1 job is skipped: the rule nonsense is not of the form key=value",
                "50 jobs do not match this stack: no tag matches os=macos",
                "2 jobs do not match this stack: the branch is protected",
            ])
        #expect(lines.map(\.level) == [.info, .warning, .info, .info])
        #expect(lines.map(\.job) == [Self.id(50), Self.id(51), Self.id(0), Self.id(52)])
        #expect(rules.lines(at: .seconds(1000)).isEmpty)
    }

    @Test("jobs that keep arriving with a rule that was told of are told of a minute later, together")
    func arriving() {
        var rules = UnmatchedRules()
        rules.note(.unmatched(rule: "os=macos"), of: Self.id(0))
        #expect(rules.lines(at: .zero).count == 1)
        var lines: [UnmatchedRules.Line] = []
        for second in 1..<120 {
            rules.note(.unmatched(rule: "os=macos"), of: Self.id(second))
            lines += rules.lines(at: .seconds(second))
        }
        #expect(lines.map(\.message) == ["60 jobs do not match this stack: no tag matches os=macos"])
        #expect(rules.lines(at: .seconds(120)).map(\.job) == [Self.id(61)])
    }

    @Test("rules without end take no room without end, and no line is longer than a line")
    func bounded() {
        var rules = UnmatchedRules()
        for number in 0..<10_000 {
            rules.note(.unmatched(rule: "\(number)=" + String(repeating: "\n", count: 10_000)), of: Self.id(number))
        }
        let lines = rules.lines(at: .zero)
        #expect(lines.count == 101)
        #expect(lines.last?.message == "9900 jobs do not match, for other rules")
        #expect(lines.allSatisfy { $0.message.count < 1000 })
    }
}

/// Keeps what is logged.
final class LogRecorder: Sendable {
    struct Line: Sendable, Equatable {
        var level: Logger.Level
        var message: String
        var metadata: [String: String]
    }

    private let storage = Mutex<[Line]>([])

    var lines: [Line] { storage.withLock { $0 } }

    var logger: Logger {
        var logger = Logger(label: "test") { _ in Handler(recorder: self) }
        logger.logLevel = .trace
        return logger
    }

    private struct Handler: LogHandler {
        let recorder: LogRecorder
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        init(recorder: LogRecorder) { self.recorder = recorder }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let line = Line(
                level: event.level, message: "\(event.message)",
                metadata: (event.metadata ?? [:]).mapValues { "\($0)" })
            recorder.storage.withLock { $0.append(line) }
        }
    }
}
