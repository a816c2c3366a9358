import StacksTesting
import StacksTransport
import Testing

@testable import StacksAPI

/// A notification is shown once, whatever the network does to the request and to its response.
@Suite struct NotifyTests {
    private func trial(seed: UInt64, timeout: Duration) async throws -> (shown: Int, error: StacksAPIError?) {
        // Nothing here waits, and tests beside it have deadlines.
        await Task.yield()
        var weather = LossyTransport.Weather()
        // An response of 5xx is taken for a refusal, whoever gave it.
        weather.badGatewayAfter = 0
        let clock = LeapingClock()
        let simulator = StacksSimulator(clock: clock)
        let id = simulator.addJobs(1)[0]
        var configuration = StacksClient.Configuration()
        configuration.clock = clock
        let setup = try StacksClient(token: simulator.token, transport: simulator.timelessTransport())
        try await setup.registerStack(key: "k")
        let client = try StacksClient(
            token: simulator.token, transport: LossyTransport(simulator, seed: seed, weather: weather),
            configuration: configuration)
        var error: StacksAPIError?
        do {
            try await client.notify(JobID(id), detail: "d", stack: "k", options: CallOptions(timeout: timeout))
        } catch let thrown as StacksAPIError {
            error = thrown
        }
        return (simulator.job(id)?.notifications.count ?? -1, error)
    }

    @Test("in 2000 random networks no notification is created twice, and the error is true")
    func showsOnce() async throws {
        var (certain, doubtful, repeated) = (0, 0, 0)
        for seed in 0..<UInt64(2000) {
            let (shown, error) = try await trial(seed: seed, timeout: .seconds(1 + Int(seed % 9)))
            #expect((0...1).contains(shown), "seed \(seed)")
            guard let error else {
                #expect(shown == 1, "seed \(seed)")
                continue
            }
            if error.attempts > 1 { repeated += 1 }
            if error.mayHaveTakenEffect {
                doubtful += 1
            } else {
                certain += 1
                #expect(shown == 0, "seed \(seed): \(error)")
            }
        }
        #expect(certain > 10 && doubtful > 100 && repeated > 10, "\(certain), \(doubtful), \(repeated)")
    }
}
