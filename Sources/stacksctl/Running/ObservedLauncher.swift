import Foundation
import StacksAPI
import StacksController
import Synchronization

/// Measures, around another launcher, the time from a job's scheduling to its launch.
final class ObservedLauncher: JobLauncher {
    private let base: any JobLauncher
    private let observation: RunObservation?
    private let state = Mutex(LatencyHistogram())

    /// - Parameter observation: Is told of each launch too.
    init(_ base: any JobLauncher, observation: RunObservation? = nil) {
        self.base = base
        self.observation = observation
    }

    /// From the scheduled time, by the server's clock, to the launch, by this machine's clock.
    var dispatchLatencies: LatencyHistogram { state.withLock { $0 } }

    nonisolated(nonsending) func launch(_ job: LaunchedJob) async throws -> JobExit {
        if let scheduledAt = job.scheduled.scheduledAt {
            let latency = Duration.seconds(Date.now.timeIntervalSince(scheduledAt))
            state.withLock { $0.record(latency) }
            observation?.dispatched(stack: job.stack, after: latency)
        }
        return try await base.launch(job)
    }

    nonisolated(nonsending) func recover() async throws -> [JobID] {
        try await base.recover()
    }

    nonisolated(nonsending) func follow(_ job: JobID) async throws -> JobExit? {
        try await base.follow(job)
    }
}
