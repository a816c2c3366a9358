import Foundation
import Logging
import StacksTesting
import Testing

@testable import StacksAPI

@Suite struct OutboxArticleTests {
    private func article() throws -> String {
        try String(
            contentsOf: URL(filePath: #filePath).deletingLastPathComponent()
                .appending(path: "../../../Sources/StacksAPI/StacksAPI.docc/Notifications.md"),
            encoding: .utf8)
    }

    @Test("the article's first example creates its notification, and the second reports an undelivered one")
    func examplesWork() async throws {
        let simulator = StacksSimulator()
        let job = JobID(simulator.addJobs(1)[0])
        let client = try StacksClient(token: simulator.token, transport: simulator.timelessTransport())
        try await client.registerStack(key: "mac-fleet")
        try await OutboxArticleExamples.bulk(client: client, job: job)
        #expect(simulator.job(job.description)?.notifications == ["Booting a virtual machine"])

        let log = RecordedLog()
        let outbox = OutboxArticleExamples.reporting(client: client, logger: log.logger(.trace))
        for number in 0...1000 {
            try await outbox.post(JobNotification(job: .numbered(number), detail: "d"))
        }
        #expect(log.lines.map { $0.metadata["reason"] } == ["dropped"])
    }

    @Test("the article has every reason and the right numbers")
    func documentsReasons() throws {
        let text = try article()
        let error = StacksAPIError(code: .transport, message: "")
        let reasons: [UndeliveredNotification.Reason] = [
            .refused(""), .failed(error), .limitOfJob, .dropped, .finished,
        ]
        for reason in reasons {
            let name =
                switch reason {
                case .refused: "refused"
                case .failed: "failed"
                case .limitOfJob: "limitOfJob"
                case .dropped: "dropped"
                case .finished: "finished"
                }
            #expect(text.contains("| `\(name)` |"))
        }
        let configuration = NotificationOutbox.Configuration()
        #expect(configuration.capacity == 10_000 && text.contains("keeps the newest 10 000"))
        #expect(configuration.maximumDelay == .milliseconds(100) && text.contains("has waited for 100 ms"))
        #expect(configuration.batchSize == 1000 && text.contains("when it has 1000 notifications"))
        #expect(OutboxQueue.maximumPerJob == 100 && text.contains("at most 100"))
        #expect(Cropping.notificationDetail.limit == 256 && text.contains("longer than 256 characters"))
    }
}
