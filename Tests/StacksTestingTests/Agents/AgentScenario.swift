import Foundation
import HTTPTypes
import StacksTesting
import StacksTransport
import Testing

/// A job that a stack has reserved and issued a token for, and requests of an agent for it.
struct AgentScenario {
    let scenario: Scenario
    let job: String
    let token: String

    init(
        template: SimulatedJob.Template = .init(), lifetime: Int? = nil,
        _ configure: (inout StacksSimulator.Configuration) -> Void = { _ in }
    ) throws {
        scenario = try Scenario.registered(configure)
        job = scenario.simulator.addJobs(template: template)[0]
        try scenario.reserve([job])
        token = try #require(
            try scenario.tokens([job], lifetime: lifetime)
                .json["job_acquisition_tokens"][0]["job_acquisition_token"].text)
    }

    /// A scenario on a clock that others take part in too.
    init(
        clock: ManualClock, _ configuration: StacksSimulator.Configuration, template: SimulatedJob.Template = .init()
    ) throws {
        try self.init(scenario: Scenario(clock: clock) { $0 = configuration }, template: template)
    }

    private init(scenario: Scenario, template: SimulatedJob.Template) throws {
        self.scenario = scenario
        try scenario.register("s")
        job = scenario.simulator.addJobs(template: template)[0]
        token = try scenario.reserveWithToken(job)
    }

    var simulator: StacksSimulator { scenario.simulator }
    var clock: ManualClock { scenario.clock }
    var state: SimulatedJob.State? { scenario.state(job) }
    func current() throws -> SimulatedJob { try #require(simulator.job(job)) }

    /// What an agent says of itself.
    static let registration: JSON = [
        "name": "mac-%n", "hostname": "studio", "os": "Darwin", "arch": "arm64", "script_eval_enabled": true,
        "ignore_in_dispatches": true, "priority": "1", "version": "3.137.0", "build": "x", "meta_data": ["queue=mac"],
        "pid": 7, "machine_id": "m", "features": [],
    ]

    @discardableResult
    func register(_ token: String? = nil) throws -> Scenario.Response {
        try scenario.send(.post, "register", Self.registration, token: token ?? self.token)
    }

    /// The access token of an agent that has registered and connected.
    func connected() throws -> String {
        let token = try #require(try register().json["access_token"].text)
        #expect(try scenario.send(.post, "connect", token: token).status == 200)
        return token
    }

    /// The access token of an agent that has acquired the job.
    func acquired() throws -> String {
        let token = try connected()
        #expect(try send(.put, "acquire", token: token).status == 200)
        return token
    }

    /// The access token of an agent that runs the job.
    func running() throws -> String {
        let token = try acquired()
        #expect(try send(.put, "start", ["started_at": "2026-01-01T00:00:00.123456789Z"], token: token).status == 200)
        return token
    }

    /// Sends a request about the job.
    @discardableResult
    func send(
        _ method: HTTPRequest.Method, _ action: String, _ body: JSON? = nil, token: String
    ) throws -> Scenario.Response {
        try scenario.send(method, action.isEmpty ? "jobs/\(job)" : "jobs/\(job)/\(action)", body, token: token)
    }

    @discardableResult
    func finish(_ body: JSON = ["exit_status": "0"], token: String) throws -> Scenario.Response {
        try send(.put, "finish", body, token: token)
    }

    /// Sends a part of the log.
    @discardableResult
    func chunk(
        _ bytes: [UInt8], sequence: Int, offset: Int, size: Int? = nil, encoding: String = "", token: String
    ) throws -> Scenario.Response {
        try scenario.send(
            .post, "jobs/\(job)/chunks?sequence=\(sequence)&offset=\(offset)&size=\(size ?? bytes.count)",
            bytes: bytes, token: token, headerFields: [.contentType: "text/plain", .contentEncoding: encoding])
    }
}
