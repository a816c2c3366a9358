import HTTPTypes
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

    /// The same for a list that needs several requests. It is separate because it needs much memory of its task and
    /// is rare.
    @inline(never)
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
