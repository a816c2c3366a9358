import Foundation
import HTTPTypes
import StacksTesting
import StacksTransport
import Synchronization
import Testing

@testable import StacksAPI
@testable import StacksController

/// Requests for more than a thousand jobs, which the client cuts: some parts get a response, and others do not.
@Suite("Responses to a part of what was asked")
struct PartialFailureTests {
    /// A machine with so many launched jobs, and a Buildkite in memory that responds to its requests about them.
    private struct World {
        var driver: MachineDriver
        let jobs: [ScheduledJob]
        let calls: ControllerCalls
        /// When states or renewals were requested, and for how many jobs.
        private(set) var requests: [(time: Duration, jobs: Int)] = []
        private(set) var lines: [String] = []

        init(_ count: Int, respond: @escaping @Sendable (_ jobs: [String], _ isStates: Bool) -> (Int, String)) throws {
            let transport = InMemoryTransport { request in
                let body = try JSONSerialization.jsonObject(with: Data(request.body ?? [])) as? [String: Any]
                let (status, text) = respond(body?["job_uuids"] as? [String] ?? [], request.path.contains("get-states"))
                var fields: HTTPFields = [:]
                if status == 429 { fields[.retryAfter] = "20" }
                return TransportResponse(
                    status: .init(code: status), headerFields: ResponseHeaderFields(fields), body: Array(text.utf8))
            }
            var settings = StacksClient.Configuration()
            settings.clock = HurriedClock()
            calls = ControllerCalls(
                client: try StacksClient(token: "bkct_none", transport: transport, configuration: settings),
                configuration: StackController.Configuration(stackKey: "stack", queue: "builds"),
                time: ControllerTime(ContinuousClock()))
            jobs = ScheduledJob.numbers(0..<count)
            driver = MachineDriver.running(capacity: count)
            for begin in stride(from: 0, to: count, by: 1000) {
                driver.launches(Array(jobs[begin..<min(begin + 1000, count)]))
                if count > 1000 { _ = driver.passes(.milliseconds(200)) }
            }
        }

        /// Lets time pass until it is told something.
        mutating func passes(_ time: Duration, until line: String? = nil) async {
            let end = driver.now + time
            var pending = driver.passes(.zero).all
            while driver.now < end, line.map({ text in !lines.contains { $0.contains(text) } }) ?? true {
                var next: [ControllerAction] = []
                lines += Wishes(pending).lines.map(\.message)
                for action in pending {
                    guard case .request(let request) = action else { continue }
                    switch request {
                    case .queryStates(let query): requests.append((driver.now, query.jobs.count))
                    case .renew(let jobs): requests.append((driver.now, jobs.count))
                    case .poll:
                        next += driver.polls([]).all
                        continue
                    default: continue
                    }
                    next += driver.happens(await calls.make(request)).all
                }
                pending = next.isEmpty ? driver.passes(.milliseconds(100)).all : next
            }
            lines += Wishes(pending).lines.map(\.message)
        }

        mutating func forget() { (requests, lines) = ([], []) }
    }

    private static func states(_ jobs: [String], _ state: String = "running") -> String {
        #"{"states":{\#(jobs.map { #""\#($0)":"\#(state)""# }.joined(separator: ","))}}"#
    }

    private static func reservation(_ jobs: [String]) -> String {
        #"{"reserved":[\#(jobs.map { #""\#($0)""# }.joined(separator: ","))],"not_reserved":[]}"#
    }

    private static let bad = ScheduledJob.number(1200).id.description

    @Test("a state that cannot be decoded is no reason for another request")
    func unreadable() async throws {
        var world = try World(1500) { jobs, _ in
            (200, Self.states(jobs).replacingOccurrences(of: "\"\(Self.bad)\":\"running\"", with: "\"\(Self.bad)\":7"))
        }
        await world.passes(.seconds(20))
        #expect(world.requests.count <= 4)
        #expect(world.driver.machine.ledger.notStarted.count == 1)
    }

    @Test("a part that fails makes the whole wait, as long as it says", arguments: [429, 503])
    func backsOff(status: Int) async throws {
        var world = try World(1500) { jobs, _ in
            jobs.contains(Self.bad) ? (status, #"{"message":"not now"}"#) : (200, Self.states(jobs))
        }
        await world.passes(.seconds(100))
        let times = world.requests.map(\.time)
        #expect(times.count > 2 && times.count <= (status == 429 ? 6 : 10))
        if status == 429 { for (one, next) in zip(times, times.dropFirst()) { #expect(next - one >= .seconds(20)) } }
        #expect(world.lines.contains { $0.contains("The call 'get states' failed") })
        // What it was told of the others counts.
        #expect(world.driver.machine.ledger.notStarted.count == 500)
        #expect(world.driver.machine.status(at: world.driver.now).lastFailure != nil)
    }

    @Test(
        "a job because of which requests for states are refused is found, and the others are watched",
        arguments: [2, 999, 1000, 1001, 1500, 3000])
    func refusedState(count: Int) async throws {
        let bad = ScheduledJob.number(count - 1).id
        var world = try World(count) { jobs, _ in
            jobs.contains(bad.description) ? (422, #"{"message":"no"}"#) : (200, Self.states(jobs))
        }
        await world.passes(.seconds(120), until: "refuses every request for the state of this job")
        #expect(world.lines.contains { $0.contains("refuses every request for the state of this job") })
        #expect(world.requests.count < 40)
        // The batches grow again until one is enough.
        await world.passes(.seconds(10))
        world.forget()
        await world.passes(.seconds(20))
        #expect(world.driver.machine.ledger.notStarted == [bad])
        #expect(world.requests.count <= 5)
    }

    @Test("a part of a renewal that fails makes the next one wait", arguments: [429, 503])
    func renewal(status: Int) async throws {
        var world = try World(1500) { jobs, isStates in
            if isStates { return (200, Self.states(jobs, "reserved")) }
            return jobs.contains(Self.bad) ? (status, #"{"message":"not now"}"#) : (200, Self.reservation(jobs))
        }
        await world.passes(.seconds(149))
        world.forget()
        await world.passes(.seconds(60))
        #expect(world.lines.contains { $0.contains("The call 'renew' failed") })
        #expect(world.requests.count { $0.jobs < 1500 } <= 8)
        let ledger = world.driver.machine.ledger
        #expect(ledger[world.jobs[0].id]?.reservedUntil ?? .zero > .seconds(400))
        #expect(ledger[JobID(Self.bad)]?.reservedUntil ?? .zero < .seconds(310))
    }
}
