import HTTPTypes
import StacksTesting
import StacksTransport
import Testing

@testable import StacksAPI

/// A job is finished once, whatever the network does to the request and to its answer.
@Suite(.timeLimit(.minutes(5))) struct FinishTests {
    private static let patient = RetryPolicy(
        maximumAttempts: 1000, backoff: Backoff(initial: .seconds(1), multiplier: 2, maximum: .seconds(4)))

    private func states(_ state: String?) -> InMemoryTransport.Step {
        .answer(.ok, state.map { #"{"states":{"\#(JobID.sample)":"\#($0)"}}"# } ?? #"{"states":{}}"#)
    }

    private func finish(
        _ bed: Testbed, options: CallOptions = RetryTableTests.immediate
    ) async throws -> StacksResponse<NoContent> {
        try await bed.client.finishJob(.sample, stack: "k", exitStatus: 1, detail: "d", options: options)
    }

    private func asked(_ bed: Testbed) -> [String] {
        bed.transport.requests.map { $0.path.hasSuffix("/finish") ? "finish" : "states" }
    }

    @Test("a job that is found finished after a lost answer was finished, and the answer says how that is known")
    func confirms() async throws {
        let bed = try Testbed([.lostAnswer, states("finished")])
        let response = try await finish(bed)
        #expect(response.wasConfirmedByState)
        #expect(response.attempts == 2)
        #expect(asked(bed) == ["finish", "states"])
        #expect(bed.transport.requests[1].bodyText == #"{"job_uuids":["\#(JobID.sample)"]}"#)
    }

    @Test("a job that still waits after a lost request is finished once more", arguments: ["reserved", "scheduled"])
    func sendsAgain(_ state: String) async throws {
        let bed = try Testbed([.lostAnswer, states(state), .answer(.noContent, "")])
        let response = try await finish(bed)
        #expect(!response.wasConfirmedByState)
        #expect(response.status == .noContent)
        #expect(response.attempts == 3)
        #expect(asked(bed) == ["finish", "states", "finish"])
    }

    @Test(
        "a job that cannot be finished any more is an error that says so",
        arguments: ["running", "canceled", "expired", "brand_new", nil])
    func refuses(_ state: String?) async throws {
        let bed = try Testbed([.lostAnswer, states(state)])
        let error = try await failure { _ = try await finish(bed) }
        #expect(error.code == .unexpectedJobState)
        #expect(error.description.contains(state ?? "does not know the job"), "\(error)")
        #expect(error.underlying?.code == .connectionClosed)
        #expect(error.attempts == 2)
        #expect(error.mayHaveTakenEffect)
    }

    @Test("a refusal of the repetition is no failure when the first one was done after all")
    func understandsLateArrivals() async throws {
        let late = try Testbed([
            .lostAnswer, states("reserved"), .answer(.unprocessableContent), states("finished"),
        ])
        #expect(try await finish(late).wasConfirmedByState)
        let refused = try Testbed([
            .lostAnswer, states("reserved"), .answer(.unprocessableContent), states("reserved"),
        ])
        let error = try await failure { _ = try await finish(refused) }
        #expect(error.code == .unprocessable)
        #expect(asked(refused).count == 4)
    }

    @Test("a refusal of the first finish is thrown without a question")
    func throwsRefusals() async throws {
        let bed = try Testbed([.answer(.unprocessableContent)])
        let error = try await failure { _ = try await finish(bed) }
        #expect(error.code == .unprocessable)
        #expect(!error.mayHaveTakenEffect)
        #expect(asked(bed) == ["finish"])
    }

    @Test("the question waits as a retry would, and is not asked after the deadline")
    func waitsBeforeItAsks() async throws {
        let clock = ManualClock()
        let bed = try Testbed([.lostAnswer, states("finished")], clock: clock)
        async let confirmed = finish(bed, options: CallOptions()).wasConfirmedByState
        await clock.waitForSleepers()
        #expect(bed.transport.requests.count == 1)
        clock.advance(by: .milliseconds(1501))
        #expect(try await confirmed)

        let late = try Testbed([.lostAnswer], clock: clock)
        let error = try await failure { _ = try await finish(late, options: CallOptions(timeout: .seconds(1))) }
        #expect(error.code == .deadlineExceeded)
        #expect(error.mayHaveTakenEffect)
        #expect(error.description.contains("The client would request the job's state in 1.5 seconds"), "\(error)")
        #expect(clock.sleeperCount == 0)
    }

    @Test("when the question fails too, the error is that of the finish, with both in its message")
    func tellsBoth() async throws {
        let bed = try Testbed([.lostAnswer, .answer(.unauthorized)])
        let error = try await failure { _ = try await finish(bed) }
        #expect(error.code == .transport)
        #expect(error.mayHaveTakenEffect)
        let expected = "The request for the job's state failed: The server responded with 401"
        #expect(error.description.contains(expected), "\(error)")
    }

    @Test("a state that cannot be decoded leaves it open whether the job is finished")
    func toleratesUnreadableStates() async throws {
        let bed = try Testbed([.lostAnswer, .answer(.ok, #"{"states":{"\#(JobID.sample)":7}}"#)])
        let error = try await failure { _ = try await finish(bed) }
        #expect(error.code == .transport)
        #expect(error.mayHaveTakenEffect)
        #expect(error.attempts == 2)
        #expect(error.description.contains("state in the response cannot be decoded"), "\(error)")
    }

    // MARK: Random networks

    private struct Trial {
        var job: SimulatedJob
        var error: StacksAPIError?
        var elapsed: Duration
    }

    private func trial(
        seed: UInt64, weather: LossyTransport.Weather, policy: RetryPolicy, timeout: Duration
    ) async throws -> Trial {
        // Nothing here waits, and tests beside it have deadlines.
        await Task.yield()
        let clock = LeapingClock()
        let simulator = StacksSimulator(clock: clock)
        let id = simulator.addJobs(1)[0]
        var configuration = StacksClient.Configuration()
        configuration.clock = clock
        configuration.retryPolicy = policy
        let setup = try StacksClient(token: simulator.token, transport: simulator.timelessTransport())
        try await setup.registerStack(key: "k")
        _ = try await setup.reserveJobs([JobID(id)], stack: "k")
        let client = try StacksClient(
            token: simulator.token, transport: LossyTransport(simulator, seed: seed, weather: weather),
            configuration: configuration)
        let start = clock.now
        var error: StacksAPIError?
        do {
            try await client.finishJob(
                JobID(id), stack: "k", exitStatus: 1, detail: "d", options: CallOptions(timeout: timeout))
        } catch let thrown as StacksAPIError {
            error = thrown
        }
        guard let job = simulator.job(id) else { throw Unexpected("no job") }
        return Trial(job: job, error: error, elapsed: start.duration(to: clock.now))
    }

    @Test("in 2000 random networks no finish is lost while there is time, and none arrives a second time")
    func losesNothing() async throws {
        for seed in 0..<UInt64(2000) {
            let trial = try await trial(
                seed: seed, weather: LossyTransport.Weather(), policy: Self.patient, timeout: .seconds(3600))
            #expect(trial.error == nil, "seed \(seed): \(trial.error.map { "\($0)" } ?? "")")
            #expect(trial.job.finishes == 1, "seed \(seed)")
            #expect(trial.job.finishAttempts == 1, "seed \(seed): sent again after it was done")
        }
    }

    @Test("in 2000 random networks with little time, what the error says of the job is true")
    func tellsTheTruth() async throws {
        var (failed, certain) = (0, 0)
        for seed in 0..<UInt64(2000) {
            let timeout = Duration.seconds(2 + Int(seed % 9))
            let trial = try await trial(
                seed: seed, weather: LossyTransport.Weather(), policy: .buildkite, timeout: timeout)
            #expect(trial.job.finishes <= 1, "seed \(seed)")
            #expect(trial.elapsed <= timeout, "seed \(seed)")
            guard let error = trial.error else {
                #expect(trial.job.finishes == 1, "seed \(seed)")
                continue
            }
            failed += 1
            if !error.mayHaveTakenEffect {
                certain += 1
                #expect(trial.job.finishes == 0, "seed \(seed): \(error)")
            }
        }
        #expect(failed > 100 && certain > 10, "the weather was too fine: \(failed), \(certain)")
    }

    @Test("requests that arrive after the client gave up on them finish no job twice, in 1000 random networks")
    func survivesLateArrivals() async throws {
        var weather = LossyTransport.Weather()
        weather.isLate = 30
        var repeated = 0
        for seed in 0..<UInt64(1000) {
            let trial = try await trial(seed: seed, weather: weather, policy: Self.patient, timeout: .seconds(3600))
            #expect(trial.error == nil, "seed \(seed): \(trial.error.map { "\($0)" } ?? "")")
            #expect(trial.job.finishes == 1, "seed \(seed)")
            if trial.job.finishAttempts > 1 { repeated += 1 }
        }
        #expect(repeated > 0, "nothing arrived late")
    }
}
