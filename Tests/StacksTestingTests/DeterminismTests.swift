import Foundation
import StacksTesting
import Testing

@Suite("Seeds and reports")
struct DeterminismTests {
    private func bytes(seed: UInt64) throws -> [[UInt8]] {
        let scenario = Scenario { $0.seed = seed }
        var responses = [try scenario.register("s")]
        let jobs = scenario.simulator.addJobs(20)
        responses.append(try scenario.list())
        responses.append(try scenario.reserve(jobs, expiry: 5))
        responses.append(try scenario.tokens(jobs))
        scenario.clock.advance(by: .seconds(6))
        responses.append(try scenario.list("&limit=7"))
        return responses.map(\.body)
    }

    @Test("equal seeds and calls give equal bytes, another seed gives others")
    func reproducible() throws {
        #expect(try bytes(seed: 3) == bytes(seed: 3))
        #expect(try bytes(seed: 3) != bytes(seed: 4))
    }

    @Test("UUIDs are canonical and unique")
    func uuids() throws {
        let jobs = StacksSimulator().addJobs(2000)
        #expect(Set(jobs).count == 2000)
        #expect(jobs.allSatisfy { UUID(uuidString: $0)?.uuidString.lowercased() == $0 })
    }

    @Test("the report counts the jobs by their outcome")
    func report() throws {
        let scenario = try Scenario.registered()
        let jobs = scenario.simulator.addJobs(6)
        for (index, job) in jobs[..<3].enumerated() {
            scenario.clock.advance(by: .milliseconds(100))
            let token = try scenario.reserveWithToken(job)
            try scenario.agent("acquire", job, token: token)
            try scenario.agent("start", job, token: token)
            if index < 2 { try scenario.agent("finish", job, token: token) }
        }
        try scenario.reserve([jobs[3]], expiry: 1)
        scenario.simulator.cancel(jobs[4])
        scenario.clock.advance(by: .seconds(1))
        let report = scenario.simulator.report
        #expect(report.added == 6)
        #expect(report.reserved == 4)
        #expect(report.launched == 3)
        #expect(report.finished == 2)
        #expect(report.cancelled == 1)
        #expect(report.launchedTwice == 0)
        #expect(report.lost == 2)
        #expect(report.reservationsExpired == 1)
        #expect(report.jobsByState == [.finished: 2, .running: 1, .scheduled: 2, .canceled: 1])
        #expect(report.requests[.reserveJobs] == 4)
        #expect(report.responsesByStatus[201] == 4)
        let latency = try #require(report.dispatchLatency(quantile: 0.5))
        #expect(abs(latency / .milliseconds(1) - 200) < 0.01)
    }

    @Test("without started jobs, there is no latency")
    func noLatency() {
        #expect(StacksSimulator().report.dispatchLatency(quantile: 0.99) == nil)
    }
}
