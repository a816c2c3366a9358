import HTTPTypes
import StacksAPI

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Makes the calls to Buildkite that the machine requests, and turns their responses into events.
///
/// Calls that are made again and again are not retried by the client: the machine decides when to ask again, and about
/// which jobs.
struct ControllerCalls: Sendable {
    let client: StacksClient
    let configuration: StackController.Configuration
    let time: ControllerTime

    private var stack: String { configuration.stackKey }
    private var once: CallOptions { CallOptions(retryPolicy: .never) }
    /// For calls that are made once: with the client's retries. How long an ending controller waits for one of them is the
    /// machine's to decide: it limits no call while no end is near.
    private func settling(atLeast time: Duration) -> CallOptions {
        var options = CallOptions(timeout: max(configuration.settleTimeout, time))
        options.waitsOutProxies = true
        return options
    }

    /// Makes the request, and returns what came of it.
    nonisolated(nonsending) func make(_ request: ControllerRequest) async -> ControllerEvent {
        switch request {
        case .register: await register()
        case .poll(let limit, let cursor): await poll(limit: limit, after: cursor)
        case .reserve(let jobs): await reserve(jobs)
        case .renew(let jobs): await renew(jobs)
        case .giveBack(let jobs): await giveBack(jobs)
        case .issueTokens(let jobs): await issueTokens(jobs)
        case .queryStates(let query): await queryStates(query)
        case .finish(let job, let status, let detail, let time):
            await finish(job, exitStatus: status, detail: detail, within: time)
        case .deregister: await deregister()
        }
    }

    /// The job, which reads its details through this client when its launcher needs them.
    func givingDetails(to job: LaunchedJob) -> LaunchedJob {
        job.readingDetails { [client, stack] in try await client.job(job.id, stack: stack).value }
    }

    private nonisolated(nonsending) func register() async -> ControllerEvent {
        let result = await outcome {
            try await client.registerStack(
                key: stack,
                type: configuration.stackType,
                queue: configuration.queue,
                metadata: configuration.metadata,
                options: once
            )
        }
        switch result {
        case .success(let response): return .registered(.success(response.value), isNew: response.status.code == 201)
        case .failure(let failure): return .registered(.failure(failure))
        }
    }

    private nonisolated(nonsending) func poll(limit: Int, after cursor: String?) async -> ControllerEvent {
        var allowed: Int?
        let sentAt = time.now()
        let result = await outcome {
            let response = try await client.scheduledJobs(
                stack: stack,
                queue: configuration.queue,
                limit: limit,
                after: cursor,
                options: CallOptions(retryPolicy: .never, timeout: configuration.pollTimeout)
            )
            allowed = response.rateLimit?.limit
            return response.value
        }
        return .polled(result, limit: allowed, sentAt: sentAt)
    }

    private nonisolated(nonsending) func reserve(_ jobs: [JobID]) async -> ControllerEvent {
        .reserved(
            asked: jobs,
            await outcome {
                try await client.reserveJobs(jobs, stack: stack, expiry: configuration.reservationExpiry, options: once)
                    .value
            }
        )
    }

    private nonisolated(nonsending) func renew(_ jobs: [JobID]) async -> ControllerEvent {
        var failed = FailedParts()
        let result = await outcome {
            let response = try await client.reserveJobs(
                jobs,
                stack: stack,
                expiry: configuration.reservationExpiry,
                options: once
            )
            failed = response.failedParts(of: jobs)
            return response.value
        }
        return .renewed(asked: jobs, result, failed: failed)
    }

    /// Is repeated when its response is lost: until it is over, the machine does not reserve the jobs again.
    private nonisolated(nonsending) func giveBack(_ jobs: [JobID]) async -> ControllerEvent {
        let result = await outcome {
            let response = try await client.reserveJobs(
                jobs, stack: stack, expiry: GivingBack.giveBackExpiry, options: settling(atLeast: .seconds(30)))
            if let failed = response.failedBatches.first { throw failed.error }
        }
        return .gaveBack(jobs, result.failure)
    }

    private nonisolated(nonsending) func issueTokens(_ jobs: [JobID]) async -> ControllerEvent {
        var time: Date?
        let result = await outcome {
            let response = try await client.issueJobAcquisitionTokens(
                for: jobs,
                stack: stack,
                lifetime: configuration.tokenLifetime,
                options: once
            )
            // The server's own clock, if it tells: this machine's may be wrong.
            time = response.serverDate ?? Date()
            return response.value
        }
        return .tokens(asked: jobs, result, serverTime: time)
    }

    private nonisolated(nonsending) func queryStates(_ query: StateQuery) async -> ControllerEvent {
        let jobs = query.jobs
        var failed = FailedParts()
        let result = await outcome {
            let response = try await client.jobStates(jobs, stack: stack, options: once)
            failed = response.failedParts(of: jobs)
            return response.value
        }
        return .states(query, result, failed: failed)
    }

    private nonisolated(nonsending) func finish(
        _ job: JobID, exitStatus: Int, detail: String, within time: Duration
    ) async -> ControllerEvent {
        let options = CallOptions(timeout: time)
        let result = await outcome {
            try await client.finishJob(job, stack: stack, exitStatus: exitStatus, detail: detail, options: options)
                .value
        }
        return .finished(job, result.failure)
    }

    private nonisolated(nonsending) func deregister() async -> ControllerEvent {
        // The last call of all: nothing but its own time-out ends it.
        let options = settling(atLeast: .seconds(5))
        return .deregistered(
            await outcome { try await client.deregisterStack(key: stack, options: options).value }.failure)
    }

    private nonisolated(nonsending) func outcome<Value>(
        _ call: nonisolated(nonsending) () async throws -> Value
    ) async -> Result<Value, CallFailure> {
        do {
            return .success(try await call())
        } catch {
            return .failure(CallFailure(error))
        }
    }
}

extension StacksResponse {
    /// What the response leaves open of a request for `jobs`.
    fileprivate func failedParts(of jobs: [JobID]) -> FailedParts {
        guard let first = failedBatches.first else { return FailedParts() }
        return FailedParts(jobs: Set(failedBatches.flatMap { jobs[$0.range] }), failure: CallFailure(first.error))
    }
}
