import Dispatch

/// Runs launchers on threads of their own, so that one that blocks its thread delays no poll.
///
/// The threads of Swift's default executor are as many as there are processors: that many blocked launchers would stop the
/// controller. Dispatch adds a thread when those of a quality of service are blocked, and nothing else here has this one.
final class LauncherExecutor: TaskExecutor {
    static let shared = LauncherExecutor()

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        DispatchQueue.global(qos: .utility).async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
