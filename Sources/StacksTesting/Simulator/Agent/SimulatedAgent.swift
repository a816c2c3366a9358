public import HTTPTypes
import StacksTransport

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// An agent without a process, which a test's job launcher uses instead of starting `buildkite-agent`.
///
/// ```swift
/// let agent = SimulatedAgent(simulator: simulator, job: id, token: token)
/// try agent.acquire()
/// try agent.start()
/// try agent.finish(exitStatus: 0)
/// ```
///
/// It does not register, has no log and takes no time: ``ScriptedAgent`` does.
public struct SimulatedAgent: Sendable {
    /// The simulator's error response to a request of the agent.
    public struct Refused: Error, Sendable, Hashable {
        /// 401 for an invalid token, 422 for a job in a state that does not allow the change, 423 for a locked job.
        public var status: HTTPResponse.Status
        /// The server's message.
        public var message: String

        /// The exit status of `buildkite-agent` after a refused acquisition: 27 when the job can no longer be acquired, 28
        /// when it is locked, and 1 otherwise.
        public var exitStatus: Int {
            switch status.code {
            case 422: 27
            case 423: 28
            default: 1
            }
        }
    }

    private let simulator: StacksSimulator
    private let job: String
    private let token: String

    /// Creates an agent for one job.
    ///
    /// - Parameters:
    ///   - simulator: The simulator with the job.
    ///   - job: The job's UUID.
    ///   - token: The job's acquisition token, `bkjat_…`.
    public init(simulator: StacksSimulator, job: String, token: String) {
        self.simulator = simulator
        self.job = job
        self.token = token
    }

    /// Acquires the job: `reserved` becomes `accepted`.
    ///
    /// - Throws: ``Refused``, or the error of a fault.
    public func acquire() throws { try send("acquire") }

    /// Starts the job: `accepted` becomes `running`.
    ///
    /// - Throws: ``Refused``, or the error of a fault.
    public func start() throws { try send("start") }

    /// Finishes the job: `running` becomes `finished`, `canceling` becomes `canceled`.
    ///
    /// - Throws: ``Refused``, or the error of a fault.
    public func finish(exitStatus: Int) throws { try send("finish", #"{"exit_status":\#(exitStatus)}"#) }

    private func send(_ action: String, _ body: String? = nil) throws {
        var fields: HTTPFields = [.authorization: "Token \(token)"]
        if body != nil { fields[.contentType] = "application/json" }
        let response = try simulator.respond(
            to: TransportRequest(
                method: .put, origin: "", path: "\(simulator.basePath)/jobs/\(job)/\(action)", headerFields: fields,
                body: body.map { Array($0.utf8) }
            )
        )
        guard response.status.kind == .successful else {
            struct Body: Decodable { var message: String }
            let body = try? JSONDecoder().decode(Body.self, from: Data(response.body))
            throw Refused(status: response.status, message: body?.message ?? "")
        }
    }
}

extension SimulatedAgent: CustomStringConvertible, CustomReflectable {
    /// The job's UUID, without the token.
    public var description: String { "agent of job \(job)" }
    /// Shows only ``description``.
    public var customMirror: Mirror { Mirror(self, children: ["job": job]) }
}
