import StacksAPI

/// Which jobs' states are requested, and why.
struct StateQuery: Sendable, Hashable {
    /// Jobs whose launcher runs, or that were found running.
    var watched: [JobID] = []
    /// Jobs whose launcher had ended when the query was made: only a response to a later request says
    /// whether an agent had taken the job.
    var ended: [JobID] = []

    /// Launched jobs that are asked about only because the launch of a job in `ended` seems to have failed. If an agent has taken
    /// one of them the launcher works, and that has to be known before the failure is counted.
    var launched: [JobID] = []

    var isEmpty: Bool { watched.isEmpty && ended.isEmpty }
    var jobs: [JobID] { watched + ended + launched }

    /// What is left of it without these jobs.
    func without(_ jobs: Set<JobID>) -> StateQuery {
        guard !jobs.isEmpty else { return self }
        var rest = self
        rest.watched.removeAll { jobs.contains($0) }
        rest.ended.removeAll { jobs.contains($0) }
        rest.launched.removeAll { jobs.contains($0) }
        return rest
    }
}

/// What a response leaves open of a request that the client has cut, because it is for more jobs than one request may be.
struct FailedParts: Sendable {
    /// The jobs of the parts that failed.
    var jobs: Set<JobID> = []
    /// Why the first of them did; `nil` when none did.
    var failure: CallFailure?

    /// The failure, if any of these jobs is without a response because of it.
    func failure(of asked: [JobID]) -> CallFailure? { asked.contains { jobs.contains($0) } ? failure : nil }
}
