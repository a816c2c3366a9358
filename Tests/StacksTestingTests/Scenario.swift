import Foundation
import HTTPTypes
import StacksTesting
import StacksTransport

/// A simulator with a manual clock, and requests to it.
struct Scenario {
    let clock: ManualClock
    let simulator: StacksSimulator

    /// Rate limits are off unless `configure` turns them on, because no time passes between a test's requests.
    init(
        clock: ManualClock = ManualClock(), _ configure: (inout StacksSimulator.Configuration) -> Void = { _ in }
    ) {
        self.clock = clock
        var configuration = StacksSimulator.Configuration()
        configuration.enforcesRateLimits = false
        configure(&configuration)
        simulator = StacksSimulator(configuration: configuration, clock: clock)
    }

    /// A scenario with a stack `s` on the default queue.
    static func registered(
        _ configure: (inout StacksSimulator.Configuration) -> Void = { _ in }
    ) throws -> Scenario {
        let scenario = Scenario(configure)
        try scenario.register("s")
        return scenario
    }

    struct Response {
        var status: Int
        var headerFields: HTTPFields
        var body: [UInt8]

        var json: JSON { (try? JSONDecoder().decode(JSON.self, from: Data(body))) ?? .null }
        var message: String { json["message"].text ?? "" }
        subscript(header name: String) -> String? { HTTPField.Name(name).flatMap { headerFields[$0] } }
    }

    /// Sends a request to `path` below `/v3/`.
    @discardableResult
    func send(
        _ method: HTTPRequest.Method, _ path: String, _ body: JSON? = nil, raw: String? = nil, bytes: [UInt8]? = nil,
        token: String? = nil, headerFields: HTTPFields = [:]
    ) throws -> Response {
        var fields: HTTPFields = [
            .authorization: "Token \(token ?? simulator.token)", .accept: "application/json",
        ]
        let bytes = try bytes ?? raw.map { Array($0.utf8) } ?? body.map { Array(try JSONEncoder().encode($0)) }
        if bytes != nil { fields[.contentType] = "application/json" }
        for field in headerFields { fields[field.name] = field.value.isEmpty ? nil : field.value }
        let response = try simulator.respond(
            to: TransportRequest(
                method: method, origin: "https://agent.buildkite.com", path: "/v3/\(path)", headerFields: fields,
                body: bytes
            )
        )
        return Response(
            status: response.status.code, headerFields: response.headerFields.fields, body: response.body)
    }

    @discardableResult
    func register(_ key: String, queue: String = "_default", token: String? = nil) throws -> Response {
        try send(
            .post, "stacks/register",
            ["key": .string(key), "type": "custom", "queue_key": .string(queue), "metadata": [:]], token: token
        )
    }

    func list(_ query: String = "", stack: String = "s") throws -> Response {
        try send(.get, "stacks/\(stack)/scheduled-jobs?queue_key=_default\(query)")
    }

    /// The UUIDs in a listing.
    func listed(_ query: String = "") throws -> [String] {
        try list(query).json["jobs"].elements.compactMap { $0["id"].text }
    }

    @discardableResult
    func reserve(_ jobs: [String], stack: String = "s", expiry: Int? = nil) throws -> Response {
        var body: [String: JSON] = ["job_uuids": .strings(jobs)]
        if let expiry { body["reservation_expiry_seconds"] = .number(Double(expiry)) }
        return try send(.put, "stacks/\(stack)/scheduled-jobs/batch-reserve", .object(body))
    }

    @discardableResult
    func tokens(_ jobs: [String], stack: String = "s", lifetime: Int? = nil) throws -> Response {
        var body: [String: JSON] = ["job_uuids": .strings(jobs)]
        if let lifetime { body["token_lifetime_seconds"] = .number(Double(lifetime)) }
        return try send(.post, "stacks/\(stack)/job-acquisition-tokens", .object(body))
    }

    /// Reserves a job and issues a token for it.
    func reserveWithToken(_ job: String, stack: String = "s") throws -> String {
        try reserve([job], stack: stack)
        return try tokens([job], stack: stack).json["job_acquisition_tokens"][0]["job_acquisition_token"].text ?? ""
    }

    @discardableResult
    func finish(_ job: String, stack: String = "s", exitStatus: Int = 1, detail: String = "no capacity") throws
        -> Response
    {
        try send(
            .post, "stacks/\(stack)/jobs/\(job)/finish",
            ["exit_status": .number(Double(exitStatus)), "detail": .string(detail)]
        )
    }

    @discardableResult
    func agent(_ action: String, _ job: String, token: String, exitStatus: Int = 0) throws -> Response {
        try send(
            .put, "jobs/\(job)/\(action)", action == "finish" ? ["exit_status": .number(Double(exitStatus))] : nil,
            token: token
        )
    }

    func state(_ job: String) -> SimulatedJob.State? { simulator.job(job)?.state }
}

let unknownUUID = "00000000-0000-4000-8000-000000000000"
