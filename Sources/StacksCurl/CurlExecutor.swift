/// Runs tasks on a transport's I/O thread, where a call needs no switch between threads.
///
/// Jobs that are enqueued after the transport was shut down run on the global executor, so that every task ends.
final class CurlExecutor: TaskExecutor {
    private let mailbox: CurlMailbox

    init(mailbox: CurlMailbox) {
        self.mailbox = mailbox
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if !mailbox.post(job) { Self.runElsewhere(job) }
    }

    /// Runs a job now. Call it on the I/O thread.
    func run(_ job: UnownedJob) {
        unsafe job.runSynchronously(on: asUnownedTaskExecutor())
    }

    /// Enqueues a job on the global executor, where it would run without a preference.
    static func runElsewhere(_ job: UnownedJob) {
        globalConcurrentExecutor.enqueue(job)
    }
}

extension CurlTransport {
    /// Runs tasks on this transport's I/O thread.
    ///
    /// ```swift
    /// try await withTaskExecutorPreference(transport.executor) {
    ///     let states = try await client.jobStates(jobs, stack: "mac-fleet")
    ///     print(states.states.count)
    /// }
    /// ```
    ///
    /// A call from such a task needs no switch to another thread and back, which is the largest part of its cost beyond
    /// libcurl. In return, no call on this transport makes progress while the task computes: code that runs there must not
    /// block or compute for long. `StackController` makes its calls there by itself.
    ///
    /// After ``shutdown()`` the tasks continue on the global executor.
    public var executor: any TaskExecutor { ioExecutor }

    /// The same as ``executor``.
    public var preferredExecutor: (any TaskExecutor)? { ioExecutor }
}
