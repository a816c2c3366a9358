public import StacksTransport

/// An agent without a process, which speaks to a server as `buildkite-agent start` with a job to acquire does, and plays a
/// script instead of running a command.
///
/// ```swift
/// let agent = ScriptedAgent(simulator: simulator, job: job, token: token, clock: clock)
/// let run = try await agent.run(.init(log: "hello\n", duration: .seconds(30), exitStatus: 3))
/// ```
///
/// Its requests have the paths, the header fields and the members of a real agent's, in its order: it registers with the job
/// acquisition token, connects, acquires and starts the job, sends the log, looks whether the job was cancelled, sends
/// heartbeats, finishes the job and disconnects. It repeats what a real agent repeats. All of its time passes on its clock.
///
/// A cancelled task ends it as `kill -9` ends a process: without another request. Its server then loses it.
public struct ScriptedAgent: Sendable {
    /// The version of `buildkite-agent` whose requests an agent makes.
    public struct Version: Sendable, Hashable {
        /// The number.
        public var number: String
        /// Whether it says how often it has tried to acquire a job, and reports signals.
        var isRecent: Bool

        /// 3.20.0.
        public static let old = Version(number: "3.20.0", isRecent: false)
        /// 3.137.0, which 4.0 agrees with.
        public static let recent = Version(number: "3.137.0", isRecent: true)
    }

    /// What became of an agent.
    public struct Run: Sendable, Hashable {
        /// The exit status of the agent: 0 when it ran the job, whatever became of that; 27 when the job cannot be
        /// acquired any more, 28 when it is locked, and 1 when something else failed. An old agent has no 27 and 28. One that
        /// was lost has 137, one that never started what its script says.
        public var exitStatus = 0
        /// The exit status that it reported for the job, or `nil` when it did not run it.
        public var jobExitStatus: Int?
        /// Whether it learned that the job was cancelled.
        public var wasCancelled = false
        /// The status and the message of the response that ended it early, or `nil`.
        public var refusal: String?

        /// Creates what became of an agent.
        public init(
            exitStatus: Int = 0, jobExitStatus: Int? = nil, wasCancelled: Bool = false, refusal: String? = nil
        ) {
            self.exitStatus = exitStatus
            self.jobExitStatus = jobExitStatus
            self.wasCancelled = wasCancelled
            self.refusal = refusal
        }
    }

    let transport: any HTTPTransport
    let origin: String
    let basePath: String
    let job: String
    let token: String
    let version: Version
    let clock: any Clock<Duration>
    /// What the job was made with.
    private var plan: Script?

    /// Creates an agent for one job.
    ///
    /// - Parameters:
    ///   - transport: What sends its requests.
    ///   - baseURL: The URL of the API, `http://127.0.0.1:8080/v3` for example.
    ///   - job: The job's UUID.
    ///   - token: The job's acquisition token, `bkjat_…`.
    ///   - version: Whose requests it makes.
    ///   - clock: On which its time passes.
    public init(
        transport: any HTTPTransport, baseURL: String, job: String, token: String, version: Version = .recent,
        clock: any Clock<Duration> = ContinuousClock()
    ) {
        self.transport = transport
        self.job = job
        self.token = token
        self.version = version
        self.clock = clock
        let scheme = baseURL.firstRange(of: "://")?.upperBound ?? baseURL.startIndex
        let path = baseURL[scheme...].firstIndex(of: "/") ?? baseURL.endIndex
        origin = String(baseURL[..<path])
        var base = baseURL[path...]
        while base.hasSuffix("/") { base.removeLast() }
        basePath = String(base)
    }

    /// Creates an agent for one job of a simulator.
    ///
    /// - Parameters:
    ///   - simulator: The simulator with the job.
    ///   - job: The job's UUID.
    ///   - token: The job's acquisition token, `bkjat_…`.
    ///   - version: Whose requests it makes.
    ///   - clock: On which its time passes.
    public init(
        simulator: StacksSimulator, job: String, token: String, version: Version = .recent,
        clock: any Clock<Duration> = ContinuousClock()
    ) {
        self.init(
            transport: simulator.transport(clock: clock, recordsRequests: false),
            baseURL: "https://agent.buildkite.com\(simulator.basePath)", job: job, token: token, version: version,
            clock: clock)
        plan = simulator.job(job)?.template.script
    }

    /// Runs the job as it was made to run, by ``SimulatedJob/Template/script`` of the simulator, or as an empty script says.
    ///
    /// - Returns: What became of it. A refused agent is no error.
    /// - Throws: `CancellationError` when the task is cancelled.
    public func run() async throws -> Run { try await run(plan ?? Script()) }

    /// Registers, runs the job as the script says, and disconnects.
    ///
    /// - Returns: What became of it. A refused agent is no error.
    /// - Throws: `CancellationError` when the task is cancelled.
    public func run(_ script: Script) async throws -> Run {
        var session = Session(agent: self)
        do {
            return try await session.run(script)
        } catch let failure as Session.Failure {
            session.result.exitStatus = failure.exitStatus
            session.result.refusal = failure.message
            return session.result
        }
    }
}

extension ScriptedAgent: CustomStringConvertible, CustomReflectable {
    /// The job's UUID, without the token.
    public var description: String { "agent of job \(job)" }
    /// Shows only ``description``.
    public var customMirror: Mirror { Mirror(self, children: ["job": job]) }
}
