import StacksAPI

/// Sends the notices for jobs' pages. It never keeps the controller waiting, and losing a notice is harmless.
///
/// It owns the task that sends, which ends with the group or with ``finish()``.
struct JobNotifier {
    /// How many notices may wait to be sent; beyond that the oldest are dropped.
    private static let capacity = 2000

    private let outbox: NotificationOutbox
    private let sending: Task<Void, Never>

    /// - Parameters:
    ///   - group: The run's tasks: they are over when it has ended.
    ///   - onUndelivered: Told how many notifications are not shown.
    init(
        client: StacksClient, stack: String, in group: inout DiscardingTaskGroup,
        onUndelivered: @escaping @Sendable (Int) -> Void
    ) {
        var configuration = NotificationOutbox.Configuration()
        configuration.capacity = Self.capacity
        configuration.overflow = .dropOldest
        // They are sent at once, and this machine's clock may be behind a job's creation.
        configuration.addsTimestamps = false
        // The end of a run waits for the last of them, so that none of the calls may take long.
        configuration.callOptions = CallOptions(retryPolicy: .never, timeout: .seconds(2))
        configuration.onUndelivered = { onUndelivered($0.count) }
        let outbox = NotificationOutbox(client: client, stack: stack, configuration: configuration)
        let sending = Task { await outbox.run() }
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
}
