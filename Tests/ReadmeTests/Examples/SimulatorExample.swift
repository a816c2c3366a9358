import HTTPTypes
import StacksTesting
import StacksTransport
import Testing

func simulated() -> SimulatedJob.State? {
    let clock = ManualClock()
    let simulator = StacksSimulator(clock: clock)
    let jobs = simulator.addJobs(3)
    // … the client under test reserves the jobs, and stops …
    clock.advance(by: .seconds(900))
    let state = simulator.job(jobs[0])?.state  // scheduled again
    return state
}

func actAsAgent(of id: String, token: String, simulator: StacksSimulator) throws {
    let agent = SimulatedAgent(simulator: simulator, job: id, token: token)
    try agent.acquire()
    try agent.start()
    try agent.finish(exitStatus: 0)
}

func playScript(
    of job: String, token: String, simulator: StacksSimulator, clock: ManualClock
) async throws -> ScriptedAgent.Run {
    let agent = ScriptedAgent(simulator: simulator, job: job, token: token, clock: clock)
    let run = try await agent.run(.init(log: "hello\n", duration: .seconds(30), exitStatus: 3))
    return run
}

func answeredByClosure() -> InMemoryTransport {
    let transport = InMemoryTransport { request in
        TransportResponse(status: .ok, body: Array(#"{"id": "…"}"#.utf8))
    }
    return transport
}

func checkContract(of server: (origin: String, answers: ConformanceServer)) async {
    var suite = TransportConformance(origin: server.origin) { try MyTransport() }
    suite.exemptions = [.http2]
    let report = await suite.run()
    #expect(report.failures.isEmpty, "\(report)")
}

/// Stands for a transport that somebody writes.
struct MyTransport: HTTPTransport {
    init() throws {}

    func send(_ request: TransportRequest) async throws -> TransportResponse { TransportResponse(status: .ok) }
}
