import StacksAPI

/// Which jobs of a list go into the next request: all of them, unless Buildkite has refused such a request because of one. Then
/// they take turns in smaller batches until it is found which one that is.
struct JobBatches {
    /// Between two requests for batches of the same list.
    static let pause = Duration.milliseconds(100)

    private var limit = BatchLimit()
    private var asked: [JobID] = []
    /// The last job of the batch that was accepted last; `nil` when the next one begins with the first job.
    private var last: JobID?
    /// Whether the request that is out is for the rest of the list.
    private var isLast = true
    /// Whether the list is a single job.
    private var isOnly = false
    /// Whether any request was accepted since one for the whole list was refused: otherwise no job is at fault.
    private var wasAccepted = false
    /// How often in a row the only job was refused.
    private var refusals = 0

    /// Whether one job alone is asked for.
    var isAlone: Bool { asked.count == 1 }

    /// The jobs of the next request.
    mutating func next(of jobs: [JobID]) -> [JobID] {
        (asked, isLast, isOnly) = (jobs, true, jobs.count == 1)
        // Once begun, a round goes on to its end, however large the batches may be again: what was refused is behind.
        if limit.count >= SharedState.maximumBatch, last == nil { return asked }
        let sorted = jobs.sorted()
        let rest = last.map { last in sorted.filter { $0 > last } } ?? sorted
        let turn = rest.isEmpty ? sorted : rest
        asked = Array(turn.prefix(limit.count))
        isLast = asked.count == turn.count
        return asked
    }

    /// Records a response, and returns whether it was the last request of the list.
    mutating func accepted() -> Bool {
        (wasAccepted, refusals) = (true, 0)
        limit.accepted(asked.count)
        last = isLast ? nil : asked.last
        return isLast
    }

    /// Records that the client has cut the request, and that Buildkite has refused a part of it and not the rest. Because of
    /// which job, smaller requests tell.
    mutating func partWasRefused() {
        (wasAccepted, refusals) = (true, 0)
        _ = limit.refused(SharedState.maximumBatch)
        last = nil
    }

    /// Records that the request was refused. Returns the job at fault, once it is alone in a request: others were accepted, or
    /// there is no other and it was refused for some time.
    mutating func refused() -> JobID? {
        if limit.count >= SharedState.maximumBatch, last == nil { wasAccepted = false }
        if limit.refused(min(asked.count, SharedState.maximumBatch)) { return nil }
        last = isLast ? nil : asked.last
        refusals = isOnly ? refusals + 1 : 0
        return wasAccepted || refusals >= Self.longestPatience ? asked.first : nil
    }

    /// How often the only job of a list is asked for that is refused.
    private static let longestPatience = 5
}
