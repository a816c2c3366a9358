/// Nothing can be started right now, for a reason that is not the job's and may pass: too many processes or open files,
/// a full disk, a machine manager that is busy, a program that is just being replaced.
///
/// Throw it from ``JobLauncher/launch(_:)`` when no agent was started. The job is given back at once, not failed, and so
/// is everything else that is reserved and not launched; the controller launches nothing for 1, 2, 4 … up to 60 seconds,
/// with a jitter of half, says why in its log, its status (``ControllerStatus/IdleReason-swift.enum/cannotStart``) and its
/// metrics, and then tries with one job. As soon as that one has run for a second, or has ended in another way, it goes
/// on as before. The waits begin again at one second once an agent has taken a job, or a launcher has returned: starts
/// that take long to fail are retried with growing waits too. The controller is not ready for as long
/// (``StackController/readiness(maximumPollAge:)``), and one that ends by itself
/// (``StackController/Configuration/Mode-swift.enum/untilIdle``) ends with an error after ten tries, which is about five minutes.
///
/// For what waiting does not cure there is ``StackControllerError``; any other error is the job's own.
public struct LauncherUnavailable: Error, Sendable, Hashable, CustomStringConvertible {
    /// What keeps agents from being started, for people: keep secrets out of it.
    public var message: String

    /// Nothing can be started, because of `message`.
    public init(message: String) { self.message = message }

    /// The message.
    public var description: String { message }
}
