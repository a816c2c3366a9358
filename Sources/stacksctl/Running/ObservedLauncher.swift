import StacksAPI
import StacksController
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Measures, around another launcher, the time from a job's scheduling to its launch.
final class ObservedLauncher: JobLauncher {
    private let base: any JobLauncher
    private let state = Mutex(LatencyHistogram())

    init(_ base: any JobLauncher) {
        self.base = base
    }

    /// From the scheduled time, by the server's clock, to the launch, by this machine's clock.
    var dispatchLatencies: LatencyHistogram { state.withLock { $0 } }

    nonisolated(nonsending) func launch(_ job: LaunchedJob) async throws -> JobExit {
        if let scheduledAt = job.scheduled.scheduledAt {
            let latency = Duration.seconds(Date.now.timeIntervalSince(scheduledAt))
            state.withLock { $0.record(latency) }
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
