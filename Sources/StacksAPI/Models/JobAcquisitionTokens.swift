#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

/// A credential with which an agent can register and acquire one job, and nothing else.
///
/// Hand it to the process that runs the agent, as `BUILDKITE_AGENT_TOKEN`, with the job's identifier as
/// `BUILDKITE_AGENT_ACQUIRE_JOB`. It dies with the job's reservation.
public struct JobAcquisitionToken: Sendable, Hashable {
    /// The job that the token is for.
    public var job: JobID
    /// The token.
    public var token: Secret
    /// When the token ends.
    public var expiresAt: Date?

    /// A token.
    public init(job: JobID, token: Secret, expiresAt: Date? = nil) {
        self.job = job
        self.token = token
        self.expiresAt = expiresAt
    }
}

/// The tokens that were issued, and the jobs that got none.
public struct JobAcquisitionTokens: Sendable, Hashable {
    /// The tokens, one a job.
    public var issued: [JobAcquisitionToken]
    /// The jobs that got no token, because they are not reserved by this stack. They must not be started; the agent
    /// token is no substitute.
    public var notIssued: [JobID]

    /// Issued tokens.
    public init(issued: [JobAcquisitionToken], notIssued: [JobID] = []) {
        self.issued = issued
        self.notIssued = notIssued
    }

    /// The token of a job, or `nil` when it got none.
    public subscript(job: JobID) -> JobAcquisitionToken? { issued.first { $0.job == job } }
}
