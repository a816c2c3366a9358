/// Runs tasks on a transport's I/O thread, where a call costs no hop between threads.
///
/// A part of a task that is enqueued after the transport was shut down runs on the global executor instead, so that no
/// task is ever left behind.
final class CurlExecutor: TaskExecutor {
    private let mailbox: CurlMailbox

    init(mailbox: CurlMailbox) {
        self.mailbox = mailbox
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if !mailbox.post(job) { Self.runElsewhere(job) }
    }

    /// Runs a part of a task here and now; to be called on the I/O thread.
    func run(_ job: UnownedJob) {
        unsafe job.runSynchronously(on: asUnownedTaskExecutor())
    }

    /// Hands a part of a task to the executor that it would run on without a preference.
    static func runElsewhere(_ job: UnownedJob) {
        globalConcurrentExecutor.enqueue(job)
    }
}

extension CurlTransport {
    /// Runs tasks on the thread that also does this transport's I/O.
    ///
    /// ```swift
    /// try await withTaskExecutorPreference(transport.executor) {
    ///     let states = try await client.jobStates(jobs, stack: "mac-fleet")
    ///     print(states.states.count)
    /// }
    /// ```
    ///
    /// A call then needs no hop to another thread and back, which is the largest part of what it costs beyond libcurl's
    /// own work. The price: while such a task computes, no call on this transport moves. What runs there must not block
    /// and must not compute for long; a controller that reads answers and decides what to do next is what it is for.
    ///
    /// After ``shutdown()`` the tasks go on elsewhere.
    public var executor: any TaskExecutor { ioExecutor }
}
