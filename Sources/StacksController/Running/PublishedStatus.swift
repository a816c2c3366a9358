import Synchronization

/// Owns the status after a controller's last step, for those who ask from other threads.
struct PublishedStatus: ~Copyable {
    struct Step {
        var status: ControllerStatus
        var takenAt: Duration
        var time: ControllerTime
        var wakeAt: Duration?
    }

    private let last = Mutex<Step?>(nil)

    /// Replaces what was published before.
    ///
    /// - Parameters:
    ///   - now: When the step was made, by the clock `time`.
    ///   - wakeAt: When the next step is due, or `nil` if it waits for an event.
    func publish(_ status: ControllerStatus, at now: Duration, by time: ControllerTime, wakeAt: Duration?) {
        last.withLock { $0 = Step(status: status, takenAt: now, time: time, wakeAt: wakeAt) }
    }

    /// The status, whose times have gone on since the last step.
    var status: ControllerStatus {
        guard let step = last.withLock({ $0 }) else { return ControllerStatus() }
        var status = step.status
        let age = step.time.now() - step.takenAt
        status.sinceLastPoll? += age
        status.sinceWaitingCount? += age
        status.retriesIn = status.retriesIn.map { max(.zero, $0 - age) }
        status.oldestWaiting?.waited += age
        return status
    }

    /// How late the next step is: zero when it is on time, or waits for a response.
    var lateness: Duration {
        guard let step = last.withLock({ $0 }), let wakeAt = step.wakeAt else { return .zero }
        return max(.zero, step.time.now() - wakeAt)
    }
}
