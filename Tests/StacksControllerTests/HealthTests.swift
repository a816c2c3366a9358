import CoreMetrics
import Foundation
import HTTPTypes
import Logging
import MetricsTestKit
import StacksAPI
import StacksTesting
import Testing

@testable import StacksController

@Suite("What a controller tells of itself", .timeLimit(.minutes(5)))
struct HealthTests {
    private typealias Label = (String, String)

    private func counter(_ metrics: TestMetrics, outcome: String) throws -> Int64 {
        try metrics.expectCounter("stacks_controller_jobs_total", [("stack", "stack"), ("outcome", outcome)]).totalValue
    }

    @Test("what became of jobs is counted, and what takes time is timed")
    func metrics() async throws {
        let metrics = TestMetrics()
        let stack = try SimulatedStack(
            capacity: 3,
            metrics: metrics,
            prepare: { simulator in
                simulator.addJobs(7, queue: "default")
                simulator.addFault(
                    SimulatorFault(.refuse(status: .serviceUnavailable, message: "no"), for: .reserveJobs))
            }
        )
        try await stack.controller.run()
        #expect(try counter(metrics, outcome: "seen") == 7)
        #expect(try counter(metrics, outcome: "reserved") == 7)
        #expect(try counter(metrics, outcome: "launched") == 7)
        #expect(try counter(metrics, outcome: "finished") == 7)
        let common: [Label] = [("stack", "stack")]
        #expect(try metrics.expectTimer("stacks_controller_dispatch_duration", common).values.count == 7)
        #expect(try metrics.expectGauge("stacks_controller_slots", common).lastValue == 3)
        let failures: [Label] = common + [("call", "reserve"), ("kind", "transient")]
        #expect(try metrics.expectCounter("stacks_controller_call_failures_total", failures).totalValue == 1)
        let running: [Label] = common + [("stage", "running")]
        #expect(try metrics.expectGauge("stacks_controller_jobs", running).lastValue == 0)
        let idle: [Label] = common + [("reason", "not_running")]
        #expect(try metrics.expectGauge("stacks_controller_idle", idle).lastValue == 1)
    }

    @Test("every label has a fixed set of values: no job, queue or message is one")
    func labels() async throws {
        let metrics = TestMetrics()
        let stack = try SimulatedStack(metrics: metrics, prepare: { $0.addJobs(3, queue: "default") })
        try await stack.controller.run()
        let allowed: Set<String> = ["stack", "outcome", "stage", "reason", "call", "kind"]
        let recorders = metrics.recorders.flatMap(\.dimensions)
        let counters = metrics.counters.flatMap(\.dimensions)
        #expect((recorders + counters).allSatisfy { allowed.contains($0.0) })
        #expect(!(recorders + counters).contains { $0.1.contains("-") })
    }

    @Test("every metric is in the documentation's table, and its values with it")
    func documented() async throws {
        let metrics = TestMetrics()
        let stack = try SimulatedStack(metrics: metrics, prepare: { $0.addJobs(1, queue: "default") })
        try await stack.controller.run()
        let article = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Sources/StacksController/StacksController.docc/RunningInProduction.md")
        let text = try String(contentsOf: article, encoding: .utf8)
        let made =
            metrics.recorders.map { ($0.label, $0.dimensions) } + metrics.counters.map { ($0.label, $0.dimensions) }
            + metrics.timers.map { ($0.label, $0.dimensions) }
        #expect(made.count > 25)
        for (label, dimensions) in made {
            let row = text.split(separator: "\n").first { $0.hasPrefix("| `\(label)` |") }
            #expect(row != nil, "\(label)")
            for (name, value) in dimensions where name != "stack" {
                #expect(row?.contains("`\(name)`") == true && row?.contains("`\(value)`") == true, "\(label) \(value)")
            }
        }
        // And the other way round: the table tells of nothing that is not counted. Failures are counted when there are
        // any.
        let rows = text.split(separator: "\n").filter { $0.hasPrefix("| `stacks_controller_") }
        for row in rows where !row.contains("call_failures_total") {
            let cells = row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            let label = cells[0].trimmingCharacters(in: ["`"])
            let values = Set(made.filter { $0.0 == label }.flatMap { $0.1 }.filter { $0.0 != "stack" }.map { $0.1 })
            #expect(made.contains { $0.0 == label }, "\(label)")
            let told = cells[2].matches(of: /`([a-z_]+)`/).map { String($0.1) }
            #expect(Set(told.dropFirst()) == values, "\(label)")
        }
        #expect(rows.count == 11)
    }

    @Test("live all along, ready while it polls, and neither once it has ended")
    func probes() async throws {
        let stack = try SimulatedStack(mode: .continuous)
        #expect(stack.controller.liveness().isGood)
        #expect(!stack.controller.readiness().isGood)
        async let run: Void = stack.controller.run()
        let ready = ControllerHealth(isGood: true, reason: "nothing is scheduled")
        try await stack.until { _ in stack.controller.readiness() == ready }
        // A machine that stands still for half a second makes it late on this clock, until it goes on.
        try await stack.until { _ in stack.controller.liveness().isGood }
        stack.controller.drain()
        try await run
        #expect(!stack.controller.readiness().isGood)
        #expect(stack.controller.liveness() == ControllerHealth(isGood: false, reason: "the controller has ended"))
    }

    @Test("a Buildkite that cannot be reached makes it unready and not dead")
    func outage() async throws {
        let stack = try SimulatedStack(mode: .continuous)
        async let run: Void = stack.controller.run()
        try await stack.until { _ in stack.controller.readiness().isGood }
        stack.simulator.addFault(SimulatorFault(.connectionRefused, for: .listScheduledJobs, count: nil))
        try await stack.until { _ in
            stack.controller.readiness().reason.hasPrefix("no poll has succeeded for")
                && stack.controller.status.idleReason == .unreachable
        }
        // The outage goes on. A machine that stands still makes it late on this clock, until it goes on.
        try await stack.until { _ in stack.controller.liveness().isGood }
        #expect(!stack.controller.readiness().isGood)
        stack.simulator.removeFaults()
        try await stack.until { _ in stack.controller.readiness().isGood }
        stack.controller.drain()
        try await run
    }

    @Test("a controller whose threads are blocked is late, and not live")
    func late() async throws {
        let clock = ManualClock()
        let simulator = StacksSimulator(clock: clock)
        let client = try StacksClient(token: simulator.token, transport: simulator.transport(clock: clock))
        // What the status says of time is read from the clock; nobody wakes the controller while its clock's sleepers
        // are held back.
        let held = HeldClock(base: clock)
        let controller = try StackController(
            client: client,
            configuration: StackController.Configuration(stackKey: "stack", queue: "default"),
            launcher: SimulatedAgents(simulator: simulator, behavior: .init { try await $0.work() }),
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
            clock: held
        )
        let run = Task { try await controller.run() }
        try await wait { controller.readiness().isGood }
        clock.advance(by: .seconds(20))
        #expect(controller.liveness().isGood)
        clock.advance(by: .seconds(20))
        #expect(!controller.liveness().isGood)
        #expect(controller.liveness().reason.contains("late"))
        run.cancel()
        _ = await run.result
    }
}

/// A clock on which time passes and nobody ever wakes.
private struct HeldClock: Clock {
    let base: ManualClock

    var now: ManualClock.Instant { base.now }
    var minimumResolution: Duration { base.minimumResolution }

    func sleep(until deadline: ManualClock.Instant, tolerance: Duration?) async throws {
        try await ManualClock().sleep(until: .init(offset: .seconds(1_000_000)), tolerance: nil)
    }
}
