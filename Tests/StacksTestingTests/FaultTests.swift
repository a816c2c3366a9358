import Foundation
import HTTPTypes
import StacksTesting
import StacksTransport
import Testing

@Suite("Faults")
struct FaultTests {
    @Test("a fault affects its operation, as often as configured, after the skipped requests")
    func counting() throws {
        let scenario = try Scenario.registered()
        scenario.simulator.addFault(
            .init(
                .refuse(status: .serviceUnavailable, message: "later"), for: .listScheduledJobs, count: 2, skipping: 1))
        #expect(try scenario.send(.get, "token").status == 200)
        #expect(try (0..<5).map { _ in try scenario.list().status } == [200, 503, 503, 200, 200])
        #expect(scenario.simulator.report.faults == 2)
    }

    @Test("a refused request is not performed, and gets an API error with the given fields")
    func refusal() throws {
        let scenario = try Scenario.registered()
        let job = scenario.simulator.addJobs(1)
        scenario.simulator.addFault(
            .init(.refuse(status: .tooManyRequests, message: "slow", headerFields: [.retryAfter: "7"])))
        let response = try scenario.reserve(job)
        #expect(response.status == 429)
        #expect(response.json == ["message": "slow"])
        #expect(response[header: "Retry-After"] == "7")
        #expect(response[header: "RateLimit-Scope"] != nil)
        #expect(scenario.state(job[0]) == .scheduled)
    }

    @Test("a proxy's page is HTML without the API's header fields")
    func html() throws {
        let scenario = try Scenario.registered()
        scenario.simulator.addFault(.init(.html(), for: .tokenIdentity))
        let response = try scenario.send(.get, "token")
        #expect(response.status == 502)
        #expect(response[header: "Content-Type"] == "text/html")
        #expect(response[header: "RateLimit-Scope"] == nil)
        #expect(String(decoding: response.body, as: UTF8.self).hasPrefix("<html>"))
    }

    @Test("a request whose response is lost is performed, and the server may have received it")
    func dropped() throws {
        let scenario = try Scenario.registered()
        let job = scenario.simulator.addJobs(1)
        scenario.simulator.addFault(.init(.dropResponse, for: .reserveJobs))
        let error = #expect(throws: TransportError.self) { try scenario.reserve(job) }
        #expect(error?.mayHaveReachedServer == true)
        #expect(error?.code == .connectionClosed)
        #expect(scenario.state(job[0]) == .reserved)
    }

    @Test("a request over a refused connection is not performed, and the error proves it")
    func refusedConnection() throws {
        let scenario = try Scenario.registered()
        let job = scenario.simulator.addJobs(1)
        scenario.simulator.addFault(.init(.connectionRefused, for: .reserveJobs))
        let error = #expect(throws: TransportError.self) { try scenario.reserve(job) }
        #expect(error?.mayHaveReachedServer == false)
        #expect(scenario.state(job[0]) == .scheduled)
    }

    @Test("malformed JSON has the status of the performed request")
    func malformed() throws {
        let scenario = try Scenario.registered()
        let job = scenario.simulator.addJobs(1)
        scenario.simulator.addFault(.init(.malformedJSON, for: .reserveJobs))
        let response = try scenario.reserve(job)
        #expect(response.status == 200)
        #expect(response.json == .null)
        #expect(!response.body.isEmpty)
        #expect(scenario.state(job[0]) == .reserved)
    }

    @Test("a response without a body stays so: a 204 whose JSON cannot be cut off, and one that a fault gives")
    func noContent() throws {
        let scenario = try Scenario.registered()
        scenario.simulator.addFault(.init(.malformedJSON))
        let response = try scenario.send(.post, "stacks/s/deregister")
        #expect(response.status == 204 && response.body.isEmpty && response[header: "Content-Type"] == nil)
        for status in [204, 205, 304] {
            let fault = SimulatorFault.Action.respond(status: .init(code: status), body: [65])
            scenario.simulator.addFault(.init(fault))
            let response = try scenario.send(.get, "token")
            #expect(response.status == status && response.body.isEmpty)
        }
    }

    @Test("a probability is reproducible from the seed, and close to the configured one")
    func probability() throws {
        func strikes(seed: UInt64) throws -> [Int] {
            let scenario = try Scenario.registered { $0.seed = seed }
            scenario.simulator.addFault(
                .init(.refuse(status: .internalServerError, message: "x"), count: nil, probability: 0.25))
            return try (0..<400).map { _ in try scenario.send(.get, "token").status }
        }
        let first = try strikes(seed: 7)
        #expect(try strikes(seed: 7) == first)
        #expect(try strikes(seed: 8) != first)
        #expect((60...140).contains(first.count { $0 == 500 }))
    }

    @Test("a delay passes on the transport's clock")
    func delay() async throws {
        let clock = ManualClock()
        let simulator = StacksSimulator(clock: clock)
        simulator.addFault(.init(.delayOnly, delay: .seconds(3)))
        let transport = simulator.transport(clock: clock)
        let request = TransportRequest(
            method: .get, origin: "", path: "/v3/token", headerFields: [.authorization: "Token \(simulator.token)"])
        async let response = transport.send(request)
        await clock.waitForSleepers()
        #expect(simulator.report.requests == [.tokenIdentity: 1])
        clock.advance(by: .seconds(3))
        #expect(try await response.status == .ok)
        #expect(try await transport.send(request).status == .ok)
    }

    @Test("faults can be removed")
    func removal() throws {
        let scenario = try Scenario.registered()
        scenario.simulator.addFault(.init(.html(), count: nil))
        #expect(try scenario.list().status == 502)
        scenario.simulator.removeFaults()
        #expect(try scenario.list().status == 200)
    }
}
