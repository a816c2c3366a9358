import StacksAPI
import Synchronization

/// Sends the notices for jobs' pages. It never keeps the controller waiting, and losing a notice is harmless.
///
/// It owns the task that sends, which ends with the group or with ``finish()``.
struct JobNotifier {
    /// How many notices may wait to be sent; beyond that the oldest are dropped.
    private static let capacity = 2000

    /// How many notices could not be shown, until they are logged.
    private final class Undelivered: Sendable {
        let count = Atomic(0)
    }

    private let outbox: NotificationOutbox
    private let undelivered = Undelivered()
    private let sending: Task<Void, Never>

    /// - Parameters:
    ///   - executor: Where the calls are made; anywhere when it is `nil`.
    ///   - group: The run's tasks: they are over when it has ended.
    init(
        client: StacksClient, stack: String, on executor: (any TaskExecutor)?, in group: inout DiscardingTaskGroup
    ) {
        var configuration = NotificationOutbox.Configuration()
        configuration.capacity = Self.capacity
        configuration.overflow = .dropOldest
        // They are sent at once, and this machine's clock may be behind a job's creation.
        configuration.addsTimestamps = false
        // The end of a run waits for the last of them, so that none of the calls may take long.
        configuration.callOptions = CallOptions(retryPolicy: .never, timeout: .seconds(2))
        configuration.onUndelivered = { [undelivered] in
            undelivered.count.wrappingAdd($0.count, ordering: .relaxed)
        }
        let outbox = NotificationOutbox(client: client, stack: stack, configuration: configuration)
        let sending = Task(executorPreference: executor) { await outbox.run() }
        group.addTask {
            await withTaskCancellationHandler {
                await sending.value
            } onCancel: {
                sending.cancel()
            }
        }
        self.outbox = outbox
        self.sending = sending
    }

    /// Takes a notification over, at once: an outbox that drops its oldest one is never full.
    func post(_ job: JobID, _ detail: String) async {
        try? await outbox.post(JobNotification(job: job, detail: detail))
    }

    /// Sends what is left, once.
    func finish() async {
        outbox.finish()
        await sending.value
    }

    /// How many notices could not be shown since it was asked last. They are not logged where they are sent: a log handler
    /// may block its thread.
    func takeUndelivered() -> Int { undelivered.count.exchange(0, ordering: .relaxed) }
}
