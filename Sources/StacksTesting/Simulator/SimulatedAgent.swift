public import HTTPTypes
import StacksTransport

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// An agent without a process: what a test's job launcher does in place of starting `buildkite-agent`.
///
/// ```swift
/// let agent = SimulatedAgent(simulator: simulator, job: id, token: token)
/// try agent.acquire()
/// try agent.start()
/// try agent.finish(exitStatus: 0)
/// ```
public struct SimulatedAgent: Sendable {
    /// What the simulator answered instead of doing what the agent asked.
    public struct Refused: Error, Sendable, Hashable {
        /// 401 for a credential that is not good, 422 for a job that cannot be changed so, 423 for one that is locked.
        public var status: HTTPResponse.Status
        /// The server's message.
        public var message: String

        /// What `buildkite-agent` exits with after a refused acquisition: 27 when the job can no longer be acquired, 28
        /// when it is locked for now, and 1 for anything else.
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

    /// An agent for one job.
    ///
    /// - Parameters:
    ///   - simulator: Where the job is.
    ///   - job: The job's UUID.
    ///   - token: The job's acquisition token, `bkjat_…`.
    public init(simulator: StacksSimulator, job: String, token: String) {
        self.simulator = simulator
        self.job = job
        self.token = token
    }

    /// Takes the job: `reserved` becomes `accepted`.
    ///
    /// - Throws: ``Refused``, or what a fault says.
    public func acquire() throws { try ask("acquire") }

    /// Says that the job runs.
    ///
    /// - Throws: ``Refused``, or what a fault says.
    public func start() throws { try ask("start") }

    /// Says how the job ended: `running` becomes `finished`, `canceling` becomes `canceled`.
    ///
    /// - Throws: ``Refused``, or what a fault says.
    public func finish(exitStatus: Int) throws { try ask("finish", #"{"exit_status":\#(exitStatus)}"#) }

    private func ask(_ action: String, _ body: String? = nil) throws {
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
    /// The job's UUID; the token is a credential.
    public var description: String { "agent of job \(job)" }
    /// Shows ``description`` alone.
    public var customMirror: Mirror { Mirror(self, children: ["job": job]) }
}
