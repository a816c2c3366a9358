import HTTPTypes
import StacksTesting
import Testing

@Suite("Reserving jobs")
struct ReservationTests {
    @Test("available jobs are reserved, and the others are listed")
    func partial() throws {
        let scenario = try Scenario.registered()
        try scenario.register("t")
        let jobs = scenario.simulator.addJobs(3)
        try scenario.reserve([jobs[0]], stack: "t")
        scenario.simulator.cancel(jobs[1])
        let response = try scenario.reserve(jobs + [unknownUUID])
        #expect(response.status == 200)
        #expect(response.json["reserved"] == .strings([jobs[2]]))
        #expect(response.json["not_reserved"] == .strings([jobs[0], jobs[1], unknownUUID]))
        #expect(scenario.simulator.job(jobs[0])?.reservedBy == "t")
    }

    @Test("a response without reserved jobs is a success")
    func none() throws {
        let response = try Scenario.registered().reserve([unknownUUID])
        #expect(response.status == 200)
        #expect(response.json == ["reserved": [], "not_reserved": .strings([unknownUUID])])
    }

    @Test("after a reservation expires, any stack can reserve", arguments: [(nil, 900), (60, 60), (3600, 3600)])
    func expiry(asked: Int?, seconds: Int) throws {
        let scenario = try Scenario.registered()
        try scenario.register("t")
        let job = scenario.simulator.addJobs(1)
        try scenario.reserve(job, expiry: asked)
        scenario.clock.advance(by: .milliseconds(seconds * 1000 - 1))
        #expect(scenario.state(job[0]) == .reserved)
        scenario.clock.advance(by: .milliseconds(1))
        #expect(scenario.state(job[0]) == .scheduled)
        #expect(try scenario.reserve(job, stack: "t").json["reserved"] == .strings(job))
        #expect(
            scenario.simulator.job(job[0])?.history.map(\.kind) == [
                .created, .reserved, .reservationExpired, .reserved,
            ])
    }

    @Test("reserving again by the same stack extends the reservation")
    func extending() throws {
        let scenario = try Scenario.registered()
        let job = scenario.simulator.addJobs(1)
        try scenario.reserve(job, expiry: 10)
        scenario.clock.advance(by: .seconds(9))
        #expect(try scenario.reserve(job, expiry: 10).json["reserved"] == .strings(job))
        scenario.clock.advance(by: .seconds(9))
        #expect(scenario.state(job[0]) == .reserved)
        scenario.clock.advance(by: .seconds(1))
        #expect(scenario.state(job[0]) == .scheduled)
    }

    @Test("UUIDs are case-insensitive, and duplicates count once")
    func uuids() throws {
        let scenario = try Scenario.registered()
        let job = scenario.simulator.addJobs(1)[0]
        #expect(try scenario.reserve([job.uppercased(), job]).json["reserved"] == .strings([job]))
    }

    @Test("1000 jobs can be reserved at a time, 1001 are refused")
    func limit() throws {
        let scenario = try Scenario.registered()
        let jobs = scenario.simulator.addJobs(1001)
        #expect(try scenario.reserve(jobs).status == 422)
        #expect(try scenario.reserve(Array(jobs[..<1000])).json["reserved"].elements.count == 1000)
    }

    @Test("an expiry outside 1…3600 is refused", arguments: [(0, 422), (3601, 422), (-1, 422), (1, 200), (3600, 200)])
    func expiryLimits(expiry: Int, status: Int) throws {
        let scenario = try Scenario.registered()
        #expect(try scenario.reserve(scenario.simulator.addJobs(1), expiry: expiry).status == status)
    }

    @Test(
        "a list with an invalid UUID is refused, and nothing is reserved",
        arguments: ["[]", "[\"x\"]", "[1]", "\"x\"", "null", "[\"0000000000004000800000000000000000000\"]"])
    func badLists(list: String) throws {
        let scenario = try Scenario.registered()
        let job = scenario.simulator.addJobs(1)[0]
        let listWithJob = list.hasPrefix("[\"") ? "[\"\(job)\"," + list.dropFirst() : list
        let response = try scenario.send(
            .put, "stacks/s/scheduled-jobs/batch-reserve", raw: #"{"job_uuids": \#(listWithJob)}"#)
        #expect(response.status == 400)
        #expect(response.message.contains("job_uuids"))
        #expect(scenario.state(job) == .scheduled)
    }
}
