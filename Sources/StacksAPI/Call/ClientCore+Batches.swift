import StacksTransport

extension ClientCore {
    /// The most items of a request.
    static let batchSize = 1000

    /// Makes a call about a list of jobs with as many requests as it needs, several at a time, and joins the values in
    /// order.
    func performForJobs<Value: Sendable>(
        _ target: CallTarget,
        jobs: [JobID],
        request: JobListRequest = JobListRequest(),
        options: CallOptions,
        decode: @escaping @Sendable (inout JSONReader) throws(JSONError) -> Value,
        joined: ([Value]) -> Value
    ) async throws -> StacksResponse<Value> {
        if jobs.count <= Self.batchSize {
            return try await perform(target, body: request.encode(jobs[...]), options: options, decode: decode)
        }
        return try await performInBatches(
            target, jobs: jobs, request: request, options: options, decode: decode, joined: joined)
    }

    /// The same for a list that needs several requests. It is a function of its own, so that the frame of a call of one
    /// request has no room for a task group.
    @inline(never)
    private func performInBatches<Value: Sendable>(
        _ target: CallTarget,
        jobs: [JobID],
        request: JobListRequest,
        options: CallOptions,
        decode: @escaping @Sendable (inout JSONReader) throws(JSONError) -> Value,
        joined: ([Value]) -> Value
    ) async throws -> StacksResponse<Value> {
        let ranges = Self.ranges(jobs.count)
        return try await wholeCall(target.definition, options) { options in
            let outcomes = await withTaskGroup(of: (Int, BatchOutcome<Value>).self) { group in
                var outcomes: [BatchOutcome<Value>] = Array(repeating: .cancelled(requests: 0), count: ranges.count)
                for (index, range) in ranges.enumerated() {
                    // Waits for a request to end before it starts another.
                    if index >= configuration.maximumConcurrentBatches, let (done, outcome) = await group.next() {
                        outcomes[done] = outcome
                    }
                    let isAdded = group.addTaskUnlessCancelled {
                        let outcome = await BatchOutcome(options) { options in
                            try await self.perform(
                                target, body: request.encode(jobs[range]), options: options, decode: decode)
                        }
                        return (index, outcome)
                    }
                    if !isAdded { break }
                }
                for await (done, outcome) in group { outcomes[done] = outcome }
                return outcomes
            }
            return try Self.join(outcomes, of: ranges, target.definition.operation).map(joined)
        }
    }

    /// Runs a call of several requests, which share a deadline and a trace.
    func wholeCall<Value: Sendable>(
        _ definition: OperationDefinition, _ options: CallOptions,
        _ requests: (CallOptions) async throws -> StacksResponse<Value>
    ) async throws -> StacksResponse<Value> {
        var options = options
        options.deadlineMoment = deadline(of: options)
        options.timeout = nil
        let trace = trace(of: definition, options)
        if let inner = trace.inner { options.trace = inner }
        do {
            let response = try await requests(options)
            trace.succeeded(response)
            return response
        } catch {
            trace.failed(error)
            throw error
        }
    }

    static func ranges(_ count: Int) -> [Range<Int>] {
        stride(from: 0, to: count, by: batchSize).map { $0..<min($0 + batchSize, count) }
    }
}

/// The body of a request that lists up to 1000 jobs, and has a number of seconds for some operations.
struct JobListRequest: Sendable {
    /// The name of the number's field, `reservation_expiry_seconds` for example.
    var secondsField: StaticString = ""
    /// The number, or `nil` to leave the field out.
    var seconds: Int?

    func encode(_ jobs: ArraySlice<JobID>) -> [UInt8] {
        var capacity = 20 + jobs.count + secondsField.utf8CodeUnitCount + JSONWriter.maximumIntSize
        for index in jobs.indices { capacity += JSONWriter.size(jobs[index]) }
        return JSONWriter.bytes(capacity: capacity) { writer in
            writer.raw(#"{"job_uuids":["#)
            for index in jobs.indices {
                if index > jobs.startIndex { writer.raw(",") }
                writer.identifier(jobs[index])
            }
            writer.raw("]")
            if let seconds {
                writer.raw(#",""#)
                writer.raw(secondsField)
                writer.raw(#"":"#)
                writer.int(seconds)
            }
            writer.raw("}")
        }
    }
}

/// The outcome of one batch of a long list.
enum BatchOutcome<Value: Sendable>: Sendable {
    case succeeded(StacksResponse<Value>)
    case failed(StacksAPIError)
    /// The task was cancelled after this many requests. With one or more, the batch may have taken effect.
    case cancelled(requests: Int)

    /// The outcome of sending a batch.
    ///
    /// - Parameter options: The options of the whole call.
    init(_ options: CallOptions, _ send: (CallOptions) async throws -> StacksResponse<Value>) async {
        var options = options
        options.isBatch = true
        do {
            self = .succeeded(try await send(options))
        } catch let error as StacksAPIError {
            self = .failed(error)
        } catch {
            self = .cancelled(requests: (error as? CancelledBatch)?.requests ?? 0)
        }
    }
}

/// The cancellation of one of several requests of a call, with the number of requests that were sent for it.
struct CancelledBatch: Error {
    let requests: Int
}

extension ClientCore {
    /// Joins the responses of all batches, with those that failed or were cancelled in `failedBatches`. It throws
    /// when no batch succeeded: even a cancelled caller has to learn what it holds, jobs that it reserved for example.
    ///
    /// Status, header fields and metrics are those of the batch with the fewest requests left in its rate limit.
    static func join<Value: Sendable>(
        _ outcomes: [BatchOutcome<Value>], of ranges: [Range<Int>], _ operation: StacksOperation
    ) throws -> StacksResponse<[Value]> {
        var succeeded: [StacksResponse<Value>] = []
        var failed: [FailedBatch] = []
        for (range, outcome) in zip(ranges, outcomes) {
            switch outcome {
            case .succeeded(let response): succeeded.append(response)
            case .failed(let error): failed.append(FailedBatch(range: range, error: error))
            case .cancelled(let requests):
                failed.append(FailedBatch(range: range, error: .cancelled(operation, requests: requests)))
            }
        }
        let attempts = succeeded.reduce(0) { $0 + $1.attempts } + failed.reduce(0) { $0 + $1.error.attempts }
        func left(_ response: StacksResponse<Value>) -> Int { response.rateLimit?.remaining ?? .max }
        guard let shown = succeeded.min(by: { left($0) < left($1) }) else {
            guard var error = failed.first?.error, !failed.contains(where: { $0.error.code == .cancelled }) else {
                throw CancellationError()
            }
            error.attempts = attempts
            error.mayHaveTakenEffect = failed.contains { $0.error.mayHaveTakenEffect }
            throw error
        }
        var response = StacksResponse(succeeded.map(\.value), of: shown)
        response.attempts = attempts
        response.failedBatches = failed
        response.rateLimitWait = succeeded.reduce(.zero) { $0 + $1.rateLimitWait }
        return response
    }
}

extension StacksAPIError {
    /// The error of a batch that was cancelled.
    fileprivate static func cancelled(_ operation: StacksOperation, requests: Int) -> StacksAPIError {
        StacksAPIError(
            code: .cancelled,
            operation: operation,
            message: requests > 0
                ? "The task was cancelled before the response to this part of the list: it may have taken effect."
                : "The task was cancelled before this part of the list was sent.",
            attempts: requests,
            mayHaveTakenEffect: requests > 0
        )
    }
}
