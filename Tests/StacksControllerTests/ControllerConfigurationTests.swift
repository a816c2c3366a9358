import StacksAPI
import StacksController
import StacksTesting
import StacksTransport
import Testing

@Suite("A controller's configuration", .timeLimit(.minutes(5)))
struct ControllerConfigurationTests {
    @Test("a dry run changes nothing on Buildkite but the stack's own registration")
    func dryRun() async throws {
        let stack = try SimulatedStack(
            prepare: { $0.addJobs(5, queue: "default") },
            configure: { $0.isDryRun = true }
        )
        try await stack.controller.run()
        #expect(stack.simulator.jobs(in: .scheduled).count == 5)
        #expect(stack.simulator.report.requests[.reserveJobs] == nil)
        #expect(stack.controller.status.totals.seen == 5)
    }

    @Test("a dry run takes up nothing that runs; any other controller asks for it once", arguments: [true, false])
    func dryRunRecovery(isDryRun: Bool) async throws {
        let stack = try SimulatedStack(configure: { $0.isDryRun = isDryRun })
        try await stack.controller.run()
        #expect(stack.agents.counts.recoveries == (isDryRun ? 0 : 1))
    }

    @Test("a controller runs once")
    func once() async throws {
        let stack = try SimulatedStack()
        try await stack.controller.run()
        await #expect(throws: ConfigurationError.self) { try await stack.controller.run() }
    }

    @Test(
        "a configuration out of its range is refused, naming the value",
        arguments: [
            (.init { $0.maximumInFlight = 0 }, "maximumInFlight"),
            (.init { $0.pollInterval = .zero }, "pollInterval"),
            (.init { $0.stackKey = "a b" }, "a b"),
            (.init { $0.stackType = "" }, "stack type"),
            (.init { $0.queue = "a\nb" }, "queue key"),
            (.init { $0.metadata = ["": "x"] }, "metadata"),
            (.init { $0.metadata = ["k": String(repeating: "v", count: 257)] }, "257"),
            (.init { $0.reservationExpiry = .milliseconds(90_500) }, "90.5"),
            (.init { $0.tokenLifetime = .milliseconds(1500) }, "1.5"),
            (.init { $0.reservationExpiry = .seconds(3601) }, "reservation expiry"),
            (.init { $0.reservationExpiry = .seconds(1) }, "reservationExpiry"),
            (.init { $0.tokenLifetime = .zero }, "token lifetime"),
            (.init { $0.tags = ["": "x"] }, "tag"),
            (.init { $0.tags = ["image": []] }, "image"),
            (.init { $0.launchFailureExitStatus = 0 }, "launchFailureExitStatus"),
            (.init { $0.launchFailureExitStatus = 256 }, "256"),
            (.init { $0.launchFailureExitStatus = -2 }, "-2"),
        ] as [(Change, String)])
    func configuration(change: Change, name: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try SimulatedStack(configure: change.apply) }
        #expect(error?.message.contains(name) == true)
    }

    struct Change: Sendable {
        let apply: @Sendable (inout StackController.Configuration) -> Void
        init(_ apply: @escaping @Sendable (inout StackController.Configuration) -> Void) { self.apply = apply }
    }
}
