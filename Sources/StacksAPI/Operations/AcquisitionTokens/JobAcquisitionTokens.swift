#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

/// A credential with which an agent can register and acquire one job, and nothing else.
///
/// Pass it to the process that runs the agent as `BUILDKITE_AGENT_TOKEN`, with the job's identifier as
/// `BUILDKITE_AGENT_ACQUIRE_JOB`. It expires with the job's reservation at the latest.
public struct JobAcquisitionToken: Sendable, Hashable {
    /// The job that the token is for.
    public var job: JobID
    /// The token.
    public var token: Secret
    /// When the token expires.
    public var expiresAt: Date?

    /// A token.
    public init(job: JobID, token: Secret, expiresAt: Date? = nil) {
        self.job = job
        self.token = token
        self.expiresAt = expiresAt
    }
}

/// The issued tokens, and the jobs without a token.
public struct JobAcquisitionTokens: Sendable, Hashable {
    /// The tokens, one for each job.
    public var issued: [JobAcquisitionToken]
    /// The jobs without a token, because this stack has not reserved them. They must not be started, and the agent
    /// token is no substitute.
    public var notIssued: [JobID]

    /// Issued tokens.
    public init(issued: [JobAcquisitionToken], notIssued: [JobID] = []) {
        self.issued = issued
        self.notIssued = notIssued
    }

    /// The token of a job; `nil` when it has none.
    public subscript(job: JobID) -> JobAcquisitionToken? { issued.first { $0.job == job } }
}

extension JobAcquisitionTokens {
    /// The same, with the jobs of unusable tokens among ``notIssued``.
    ///
    /// A token is passed in an environment variable, which cannot contain a NUL, and then in a header field, which
    /// cannot contain a line end. With an empty one, an agent would use the token of its own configuration file.
    var usable: JobAcquisitionTokens {
        guard !issued.allSatisfy(\.isUsable) else { return self }
        var usable = JobAcquisitionTokens(issued: issued.filter(\.isUsable), notIssued: notIssued)
        usable.addNotIssued(issued.map(\.job))
        return usable
    }

    /// Adds jobs to ``notIssued`` unless they are named already: another token for the same job may be usable.
    mutating func addNotIssued(_ jobs: [JobID]) {
        var named = Set(issued.map(\.job)).union(notIssued)
        notIssued += jobs.filter { named.insert($0).inserted }
    }
}

extension JobAcquisitionToken {
    fileprivate var isUsable: Bool {
        !token.value.isEmpty && token.value.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }
}
