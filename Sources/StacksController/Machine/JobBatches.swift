import StacksAPI

/// Which jobs of a list go into the next request: all of them, unless Buildkite has refused such a request because of one. Then
/// they take turns in smaller batches until it is found which one that is.
struct JobBatches {
    private var limit = BatchLimit()
    private var asked: [JobID] = []
    /// The last job of the batch that was accepted last; `nil` when the next one begins with the first job.
    private var last: JobID?
    /// Whether the request that is out is for the rest of the list.
    private var isLast = true

    /// The jobs of the next request.
    mutating func next(of jobs: [JobID]) -> [JobID] {
        asked = jobs
        isLast = true
        guard limit.count < SharedState.maximumBatch else {
            last = nil
            return asked
        }
        let sorted = jobs.sorted()
        let rest = last.map { last in sorted.filter { $0 > last } } ?? sorted
        let turn = rest.isEmpty ? sorted : rest
        asked = Array(turn.prefix(limit.count))
        isLast = asked.count == turn.count
        return asked
    }

    /// Records a response about the jobs in `heard`, and returns whether it was the last request of the list.
    mutating func accepted(_ heard: [JobID]) -> Bool {
        if heard.count < asked.count, asked.count > SharedState.maximumBatch {
            // The client has cut the request, and a part of it failed. Why that is, smaller requests tell.
            _ = limit.refused(SharedState.maximumBatch)
            last = nil
            return false
        }
        limit.accepted(asked.count)
        last = isLast ? nil : asked.last
        return isLast
    }

    /// Records that the request was refused. Returns the job at fault, once it is alone in a request.
    mutating func refused() -> JobID? {
        if limit.refused(min(asked.count, SharedState.maximumBatch)) { return nil }
        defer { last = isLast ? nil : asked.last }
        return asked.first
    }
}
