import StacksAPI
import StacksTesting
import Testing

@Test("a stack that dies gives its jobs back")
func reservationsExpire() async throws {
    let clock = ManualClock()
    let simulator = StacksSimulator(clock: clock)
    let job = simulator.addJobs(1)[0]
    let client = try StacksClient(token: simulator.token, transport: simulator.transport(clock: clock))

    try await client.registerStack(key: "mac-fleet")
    let reservation = try await client.reserveJobs([JobID(job)], stack: "mac-fleet", expiry: .seconds(300))
    #expect(reservation.reserved == [JobID(job)])
    #expect(simulator.job(job)?.state == .reserved)

    clock.advance(by: .seconds(300))
    #expect(simulator.job(job)?.state == .scheduled)
}
