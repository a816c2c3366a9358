import Foundation
import StacksAPI
import StacksController
import Synchronization

/// Measures, around another launcher, how long each job had been scheduled when its command was started.
final class ObservedLauncher: JobLauncher {
    private let base: any JobLauncher
    private let state = Mutex(LatencyHistogram())

    init(_ base: any JobLauncher) {
        self.base = base
    }

    /// From being scheduled, by the server's clock, to being launched, by this machine's.
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
