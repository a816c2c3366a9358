/// The states of the jobs that were asked about.
public struct JobStates: Sendable, Hashable {
    /// The state of each job. A job that Buildkite does not know is missing.
    public var states: [JobID: JobState]

    /// The states of jobs.
    public init(states: [JobID: JobState]) { self.states = states }

    /// The state of a job, or `nil` when Buildkite does not know it.
    public subscript(job: JobID) -> JobState? { states[job] }
}
