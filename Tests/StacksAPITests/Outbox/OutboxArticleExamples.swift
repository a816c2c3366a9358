import Logging
import StacksAPI

/// The examples of the article Notifications, word for word, in functions that can be run.
enum OutboxArticleExamples {
    static func bulk(client: StacksClient, job: JobID) async throws {
        let outbox = NotificationOutbox(client: client, stack: "mac-fleet")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await outbox.run() }
            try await outbox.post(JobNotification(job: job, detail: "Booting a virtual machine"))
            outbox.finish()
        }
    }

    static func reporting(client: StacksClient, logger: Logger) -> NotificationOutbox {
        var configuration = NotificationOutbox.Configuration()
        configuration.capacity = 1000
        configuration.overflow = .dropOldest
        configuration.onUndelivered = { undelivered in
            for item in undelivered {
                logger.notice("Not shown", metadata: ["job": "\(item.notification.job)", "reason": "\(item.reason)"])
            }
        }
        let outbox = NotificationOutbox(client: client, stack: "mac-fleet", configuration: configuration)
        return outbox
    }
}
