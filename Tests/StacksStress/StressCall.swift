import HTTPTypes
import StacksAPI
import StacksTransport

/// What is asked for, and how it is seen whether the answer is its own.
enum StressCall: Sendable {
    /// Over the transport alone. The answer is `nil` when it cannot have one.
    case request(TransportRequest, answer: [UInt8]?)
    /// Through a client, which reads the answer.
    case states(JobID)
    case job(JobID)
    case finish(JobID)
}

extension StressCall: CustomStringConvertible {
    var description: String {
        switch self {
        case .request(let request, _): "\(request)"
        case .states(let id): "states of \(id)"
        case .job(let id): "job \(id)"
        case .finish(let id): "finish of \(id)"
        }
    }
}

/// What the server does with a call.
enum StressManner: Int, Sendable, CaseIterable {
    case answers, isSlow, staysSilent, resets, hangsUp

    /// What the path begins with, for fault-server to know.
    var prefix: String {
        switch self {
        case .answers: ""
        case .isSlow: "/delay/10000"
        case .staysSilent: "/never"
        case .resets: "/reset"
        case .hangsUp: "/hang-up"
        }
    }
}

/// The clients of one transport: one for each manner of the server.
struct StressClients: Sendable {
    private let clients: [StacksClient]
    private let transport: any HTTPTransport

    init(origin: String, transport: any HTTPTransport) throws {
        self.transport = transport
        clients = try StressManner.allCases.map { manner in
            var configuration = StacksClient.Configuration()
            configuration.baseURL = "\(origin)\(manner.prefix)/v3/"
            configuration.pacesRequests = false
            return try StacksClient(token: "bkct_stress", transport: transport, configuration: configuration)
        }
    }

    /// Makes a call.
    ///
    /// - Returns: Whether the answer is its own.
    nonisolated(nonsending) func make(
        _ call: StressCall, _ manner: StressManner, deadline: ContinuousClock.Instant
    ) async throws -> Bool {
        let client = clients[manner.rawValue]
        // One request a call: what is to be seen is the transport's doing.
        let options = CallOptions(retryPolicy: .never, deadline: deadline)
        switch call {
        case .request(var request, let answer):
            request.deadline = deadline
            let response = try await transport.send(request)
            return response.status == .ok && response.body == answer
        case .states(let id):
            let states = try await client.jobStates([id], stack: "stress", options: options)
            return states.states == [id: .scheduled]
        case .job(let id):
            let job = try await client.job(id, stack: "stress", options: options)
            return job.id == id && job.command == "echo hello"
        case .finish(let id):
            let answer = try await client.finishJob(
                id, stack: "stress", exitStatus: 1, detail: "stress", options: options)
            return answer.status == .ok
        }
    }
}
