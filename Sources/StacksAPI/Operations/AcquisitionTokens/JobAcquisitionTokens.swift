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

extension JobAcquisitionTokens {
    /// The same with tokens that no agent could be given among those that were not issued.
    ///
    /// A token travels in an environment variable, which cannot hold a NUL, and then in a header field, which cannot hold
    /// a line end. With an empty one an agent would take the token of its own configuration file.
    var usable: JobAcquisitionTokens {
        guard !issued.allSatisfy(\.isUsable) else { return self }
        let usable = issued.filter(\.isUsable)
        // Another token for the same job may be a good one.
        var named = Set(usable.map(\.job)).union(notIssued)
        let unusable = issued.map(\.job).filter { named.insert($0).inserted }
        return JobAcquisitionTokens(issued: usable, notIssued: notIssued + unusable)
    }
}

extension JobAcquisitionToken {
    fileprivate var isUsable: Bool {
        !token.value.isEmpty && token.value.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }
}
