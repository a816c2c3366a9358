/// How soon scheduled jobs were launched while they arrived: one line of JSON.
package struct DispatchReport: Codable, Sendable {
    /// Jobs that arrive in a second, on average, over all queues.
    package var rate: Int
    package var queues: Int
    package var slots: Int
    package var seconds: Int
    package var arrived: Int
    package var launched: Int
    package var launchedTwice: Int
    /// Jobs that are not finished at the end.
    package var lost: Int
    /// From a job's scheduling to the call of its launcher, in nanoseconds, while jobs arrive: without those that arrive in a
    /// queue that is quiet until then.
    package var p50Nanoseconds: Int
    package var p99Nanoseconds: Int
    package var maximumNanoseconds: Int
    /// Requests while jobs arrived, over all queues.
    package var requests: Int
    /// Those of them that listed scheduled jobs.
    package var polls: Int
    /// The most polls of one stack in any second.
    package var busiestSecond: Int
    /// Requests that the simulator refused with 429.
    package var refused: Int
    /// CPU time of the process while jobs arrived: controllers, clients, agents and simulator together.
    package var cpuNanoseconds: Int

    package init(rate: Int, queues: Int, slots: Int, seconds: Int) {
        self.rate = rate
        self.queues = queues
        self.slots = slots
        self.seconds = seconds
        (arrived, launched, launchedTwice, lost) = (0, 0, 0, 0)
        (p50Nanoseconds, p99Nanoseconds, maximumNanoseconds) = (0, 0, 0)
        (requests, polls, busiestSecond, refused, cpuNanoseconds) = (0, 0, 0, 0, 0)
    }

    /// Polls of one stack in a second, on average.
    package var pollsPerSecond: Double { Double(polls) / Double(queues) / Double(max(seconds, 1)) }

    package var requestsPerHour: Int { requests * 3600 / max(seconds, 1) }
}
