/// Wakes the loop of one run at a time, and owns the one task that sleeps until then.
struct WakeTimer {
    private let time: ControllerTime
    private let wake: @Sendable () -> Void
    private var armed: (due: Duration, task: Task<Void, Never>)?

    init(_ time: ControllerTime, wake: @escaping @Sendable () -> Void) { (self.time, self.wake) = (time, wake) }

    /// Wakes at `due`, or before: a timer that is earlier is kept, because waking once too often costs less than another
    /// task.
    mutating func set(_ due: Duration, now: Duration) {
        if let armed, armed.due > now, armed.due <= due { return }
        armed?.task.cancel()
        let task = Task { [time, wake] in
            // One that was replaced wakes nobody.
            do { try await time.sleep(due) } catch { return }
            wake()
        }
        armed = (due, task)
    }

    /// Ends the task, and waits for its end.
    mutating func stop() async {
        armed?.task.cancel()
        await armed?.task.value
        armed = nil
    }
}
