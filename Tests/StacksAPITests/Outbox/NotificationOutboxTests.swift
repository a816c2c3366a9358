import Foundation
import HTTPTypes
import StacksTesting
import StacksTransport
import Synchronization
import Testing

@testable import StacksAPI

@Suite(.timeLimit(.minutes(5))) struct NotificationOutboxTests {
    /// What was not delivered, with a word for the reason.
    private final class Reports: Sendable {
        private let list = Mutex<[String]>([])

        var all: [String] { list.withLock { $0 } }

        @Sendable func take(_ undelivered: [UndeliveredNotification]) {
            let lines = undelivered.map { item in
                let reason =
                    switch item.reason {
                    case .refused(let reason): "refused: \(reason)"
                    case .failed(let error): "failed: \(error.code)"
                    case .limitOfJob: "limit"
                    case .dropped: "dropped"
                    case .finished: "finished"
                    }
                return "\(item.notification.detail) \(reason)"
            }
            list.withLock { $0 += lines }
        }
    }

    private let clock = ManualClock()
    private let reports = Reports()

    private func outbox(
        _ steps: [InMemoryTransport.Step], change: (inout NotificationOutbox.Configuration) -> Void = { _ in }
    ) throws -> (NotificationOutbox, Testbed) {
        let bed = try Testbed(steps, clock: clock) { $0.retryPolicy = .never }
        var configuration = NotificationOutbox.Configuration()
        configuration.onUndelivered = reports.take
        configuration.now = { [clock] in clock.date }
        change(&configuration)
        return (NotificationOutbox(client: bed.client, stack: "k", configuration: configuration), bed)
    }

    private func post(_ outbox: NotificationOutbox, _ details: String..., job: JobID = .sample) async throws {
        for detail in details { try await outbox.post(JobNotification(job: job, detail: detail)) }
    }

    private func details(_ bed: Testbed) throws -> [[String]] {
        try bed.transport.requests.map { request in
            let body = try JSONSerialization.jsonObject(with: Data(request.body ?? []))
            let list = (body as? [String: Any])?["notifications"] as? [[String: Any]]
            return list?.compactMap { $0["detail"] as? String } ?? []
        }
    }

    private static let fine = InMemoryTransport.Step.response(.ok, #"{"errors":[]}"#)

    @Test("notifications posted within the delay are sent in one request, in order, with repeated ones merged")
    func gathers() async throws {
        let (outbox, bed) = try outbox([Self.fine])
        try await post(outbox, "boot", "boot", "run", "boot")
        async let run: Void = outbox.run()
        await clock.waitForSleepers()
        try await post(outbox, "boot", "stop")
        #expect(bed.transport.requests.isEmpty)
        clock.advance(by: .milliseconds(100))
        try await wait { !bed.transport.requests.isEmpty }
        outbox.finish()
        await run
        #expect(try details(bed) == [["boot", "run", "boot", "stop"]])
        #expect(reports.all.isEmpty)
    }

    @Test("a full batch does not wait for the delay")
    func sendsFullBatches() async throws {
        let (outbox, bed) = try outbox([Self.fine, Self.fine]) { $0.batchSize = 2 }
        async let run: Void = outbox.run()
        try await post(outbox, "1", "2")
        try await wait { !bed.transport.requests.isEmpty }
        outbox.finish()
        await run
        #expect(try details(bed) == [["1", "2"]])
    }

    @Test("finishing sends the remaining notifications, and later ones are reported")
    func flushes() async throws {
        let (outbox, bed) = try outbox([Self.fine, Self.fine]) { $0.batchSize = 2 }
        try await post(outbox, "1", "2", "3")
        outbox.finish()
        await outbox.run()
        try await post(outbox, "4")
        #expect(try details(bed) == [["1", "2"], ["3"]])
        #expect(reports.all == ["4 finished"])
    }

    @Test("a job's notifications after the hundredth are reported and not sent")
    func keepsToTheLimit() async throws {
        let (outbox, bed) = try outbox([Self.fine])
        for number in 1...101 { try await post(outbox, "\(number)") }
        try await post(outbox, "other", job: .numbered(1))
        outbox.finish()
        await outbox.run()
        #expect(try details(bed) == [(1...100).map { "\($0)" } + ["other"]])
        #expect(reports.all == ["101 limit"])
    }

    @Test("a full outbox drops the oldest notification if configured to")
    func dropsOldest() async throws {
        let (outbox, bed) = try outbox([Self.fine]) {
            $0.capacity = 2
            $0.overflow = .dropOldest
        }
        try await post(outbox, "1", "2", "3")
        outbox.finish()
        await outbox.run()
        #expect(try details(bed) == [["2", "3"]])
        #expect(reports.all == ["1 dropped"])
    }

    @Test("an outbox beyond its capacity after a retried batch drops as many notifications as needed")
    func dropsSeveral() {
        func notification(_ detail: String) -> JobNotification { JobNotification(job: .sample, detail: detail) }
        var queue = OutboxQueue(capacity: 2)
        for detail in ["1", "2"] { #expect(queue.add(notification(detail)) == .queued) }
        let batch = queue.take(2)
        for detail in ["3", "4"] { #expect(queue.add(notification(detail)) == .queued) }
        queue.putBack(batch)
        #expect(queue.count == 4)
        let (admission, dropped) = queue.addDroppingOldest(notification("5"))
        #expect(admission == .queued)
        #expect(dropped.map(\.detail) == ["1", "2", "3"])
        #expect(queue.take(10).map(\.detail) == ["4", "5"])
    }

    @Test("posting to a full outbox waits until there is room or the task is cancelled")
    func pushesBack() async throws {
        let (outbox, bed) = try outbox([Self.fine, Self.fine]) { $0.capacity = 1 }
        try await post(outbox, "1")
        let impatient = Task { try await post(outbox, "never") }
        impatient.cancel()
        await #expect(throws: CancellationError.self) { try await impatient.value }
        async let second: Void = post(outbox, "2")
        async let run: Void = outbox.run()
        try await second
        outbox.finish()
        await run
        #expect(try details(bed) == [["1"], ["2"]])
    }

    @Test("notifications that certainly were not created are retried later, before newer ones")
    func sendsAgain() async throws {
        let (outbox, bed) = try outbox([.refused, Self.fine])
        try await post(outbox, "1")
        async let run: Void = outbox.run()
        await clock.waitForSleepers()
        clock.advance(by: .milliseconds(100))
        try await wait { !bed.transport.requests.isEmpty }
        await clock.waitForSleepers()
        try await post(outbox, "2")
        outbox.finish()
        await run
        #expect(try details(bed) == [["1"], ["1", "2"]])
        #expect(reports.all.isEmpty)
    }

    @Test("notifications that may have been created or were rejected are reported and not retried")
    func reports() async throws {
        let refusal = #"{"errors":[{"error":"too old","indexes":[1]}]}"#
        let (outbox, bed) = try outbox([.lostResponse, .response(.ok, refusal)]) { $0.batchSize = 2 }
        try await post(outbox, "1", "2", "3", "4")
        outbox.finish()
        await outbox.run()
        #expect(bed.transport.requests.count == 2)
        #expect(reports.all == ["1 failed: transport", "2 failed: transport", "4 refused: too old"])
    }

    @Test("cancelling reports notifications that were not sent")
    func cancels() async throws {
        let (outbox, _) = try outbox([])
        let task = Task { await outbox.run() }
        try await post(outbox, "1")
        task.cancel()
        await task.value
        #expect(reports.all == ["1 finished"])
    }

    @Test("posting an invalid notification throws, so that it fails no batch")
    func checks() async throws {
        let (outbox, _) = try outbox([])
        let error = try await failure { try await post(outbox, "") }
        #expect(error.code == .invalidArgument)
    }

    @Test("timestamps are the time of posting, never in the server's future, and omitted while its clock is unknown")
    func stampsTime() async throws {
        // The server's clock is 90 seconds behind.
        let answered = InMemoryTransport.Step.response(
            .ok, #"{"errors":[]}"#, [.date: "Wed, 31 Dec 2025 23:58:30 GMT"])
        let (outbox, bed) = try outbox([answered, Self.fine]) { $0.batchSize = 1 }
        try await post(outbox, "1", "2")
        outbox.finish()
        await outbox.run()
        let bodies = bed.transport.requests.compactMap(\.bodyText)
        #expect(bodies.count == 2)
        #expect(!bodies[0].contains("timestamp"))
        #expect(bodies[1].contains("2025-12-31T23:58:30"), "\(bodies[1])")
    }

    @Test("the estimate of the server's clock is never ahead of its responses")
    func learnsTime() {
        var time = ServerTime()
        let start = Date(timeIntervalSince1970: 1_000_000)
        #expect(time.latest(now: start) == nil)
        // The true difference is 10 seconds; a date is cut to the second and arrives a little later.
        for (index, lost) in [0.9, 0.2, 0.7].enumerated() {
            let now = start + Double(index)
            time.learn(now + 10 - lost, now: now)
        }
        #expect(abs((time.latest(now: start) ?? start).timeIntervalSince(start) - 9.8) < 1e-6)
        #expect(time.timestamp(start + 100, now: start).map { $0 <= start + 10 } == true)
        #expect(time.timestamp(start - 100, now: start) == start - 100)
        // After this machine's clock was put forward, the old responses count no more.
        for index in 0..<16 { time.learn(start, now: start + 50 + Double(index) / 100) }
        #expect((time.latest(now: start) ?? start) < start - 49)
    }
}
