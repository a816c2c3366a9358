import StacksTransport

extension ClientCore {
    /// The most items of a request.
    static let batchSize = 1000

    /// Makes a call about a list of jobs with as many requests as it needs, several at a time, and joins the responses
    /// in order.
    func performInBatches<Value: Sendable>(
        _ target: CallTarget,
        jobs: [JobID],
        request: JobListRequest = JobListRequest(),
        options: CallOptions,
        decode: @escaping @Sendable (inout JSONReader) throws(JSONError) -> Value,
        join: ([Value]) -> Value
    ) async throws -> StacksResponse<Value> {
        if jobs.count <= Self.batchSize {
            return try await perform(target, body: request.encode(jobs[...]), options: options, decode: decode)
        }
        return try await performInSeveral(
            target, jobs: jobs, request: request, options: options, decode: decode, join: join)
    }

    /// The same for a list that needs several requests.
    private func performInSeveral<Value: Sendable>(
        _ target: CallTarget,
        jobs: [JobID],
        request: JobListRequest,
        options: CallOptions,
        decode: @escaping @Sendable (inout JSONReader) throws(JSONError) -> Value,
        join: ([Value]) -> Value
    ) async throws -> StacksResponse<Value> {
        let ranges = Self.ranges(jobs.count)
        return try await wholeCall(target.operation, options) { options in
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
            return try Self.join(outcomes, of: ranges, target.operation.name).map(join)
        }
    }

    /// Runs a call of several requests, which share a deadline and a trace.
    func wholeCall<Value: Sendable>(
        _ operation: OperationDefinition, _ options: CallOptions,
        _ requests: (CallOptions) async throws -> StacksResponse<Value>
    ) async throws -> StacksResponse<Value> {
        var options = options
        options.limit = deadline(of: options)
        options.timeout = nil
        let trace = trace(of: operation, options)
        if let part = trace.part { options.trace = part }
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
    /// The number's field as JSON, with the comma before it: `,"reservation_expiry_seconds":`.
    var field: StaticString = ""
    /// The number, or `nil` to leave the field out.
    var seconds: Int?

    func encode(_ jobs: ArraySlice<JobID>) -> [UInt8] {
        var capacity = 16 + jobs.count + field.utf8CodeUnitCount + JSONWriter.maximumIntSize
        for index in jobs.indices { capacity += JSONWriter.size(jobs[index]) }
        return JSONWriter.bytes(capacity: capacity) { writer in
            writer.raw(#"{"job_uuids":["#)
            for index in jobs.indices {
                if index > jobs.startIndex { writer.raw(",") }
                writer.identifier(jobs[index])
            }
            writer.raw("]")
            if let seconds {
                writer.raw(field)
                writer.int(seconds)
            }
            writer.raw("}")
        }
    }
}

/// The outcome of one part of a long list.
enum BatchOutcome<Value: Sendable>: Sendable {
    case succeeded(StacksResponse<Value>)
    case failed(StacksAPIError)
    /// The task was cancelled after this many requests. With one or more, the part may have taken effect.
    case cancelled(requests: Int)

    /// The outcome of sending a part.
    ///
    /// - Parameter options: The options of the whole call.
    init(_ options: CallOptions, _ send: (CallOptions) async throws -> StacksResponse<Value>) async {
        var options = options
        options.isPart = true
        do {
            self = .succeeded(try await send(options))
        } catch let error as StacksAPIError {
            self = .failed(error)
        } catch {
            self = .cancelled(requests: (error as? CancelledPart)?.requests ?? 0)
        }
    }
}

/// The cancellation of one of several requests of a call, with the number of requests that were sent for it.
struct CancelledPart: Error {
    let requests: Int
}

extension ClientCore {
    /// Joins the responses of all parts, with those that failed or were cancelled in `failedBatches`. It throws
    /// when no part succeeded: even a cancelled caller has to learn what it holds, jobs that it reserved for example.
    ///
    /// Status, header fields and metrics are those of the part with the fewest requests left in its rate limit.
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
        return StacksResponse(
            value: succeeded.map(\.value),
            status: shown.status,
            headerFields: shown.headerFields,
            attempts: attempts,
            metrics: shown.metrics,
            failedBatches: failed,
            rateLimitWait: succeeded.reduce(.zero) { $0 + $1.rateLimitWait }
        )
    }
}

extension StacksAPIError {
    /// The error of a part that was cancelled.
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
