import Foundation
import HTTPTypes
import StacksTesting
import StacksTransport
import Testing

@Suite("Concurrency", .timeLimit(.minutes(5)))
struct ConcurrencyTests {
    @Test("only one of many concurrent stacks reserves a job")
    func oneWinner() async throws {
        let scenario = Scenario()
        let stacks = (0..<16).map { "s\($0)" }
        for stack in stacks { try scenario.register(stack) }
        let jobs = scenario.simulator.addJobs(50)
        let transport = scenario.simulator.transport()
        let reserved = try await withThrowingTaskGroup(of: [String].self) { group in
            for stack in stacks {
                group.addTask {
                    let request = TransportRequest(
                        method: .put, origin: "https://h", path: "/v3/stacks/\(stack)/scheduled-jobs/batch-reserve",
                        headerFields: [
                            .authorization: "Token \(scenario.simulator.token)", .contentType: "application/json",
                        ],
                        body: Array(try JSONEncoder().encode(JSON.object(["job_uuids": .strings(jobs)])))
                    )
                    let response = try await transport.send(request)
                    let json = try JSONDecoder().decode(JSON.self, from: Data(response.body))
                    return json["reserved"].elements.compactMap(\.text)
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(reserved.sorted() == jobs.sorted())
        #expect(transport.requests.count == stacks.count)
    }

    @Test("nobody sees a simulator between its reset and what it has at its start")
    func reset() async throws {
        let simulator = StacksSimulator()
        var start = StacksSimulator.Start()
        start.jobs = 5
        start.isPaused = true
        simulator.populate(start)
        let first = simulator.jobs().map(\.id)
        await withTaskGroup(of: Void.self) { [start] group in
            group.addTask { for _ in 1...200 { simulator.reset(seed: nil, start: start) } }
            for _ in 1...4 {
                group.addTask {
                    for _ in 1...200 {
                        #expect(simulator.jobs().map(\.id) == first)
                        #expect(simulator.queues.map(\.isPaused) == [true])
                    }
                }
            }
        }
    }

    @Test("a transport need not record its requests")
    func unrecorded() async throws {
        let simulator = StacksSimulator()
        let transport = simulator.transport(recordsRequests: false)
        _ = try await transport.send(TransportRequest(method: .get, origin: "", path: "/v3/token"))
        #expect(transport.requests.isEmpty)
    }
}
