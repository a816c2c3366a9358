#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

extension StacksClient {
    /// Issues tokens with which an agent can register and acquire one job each. It is safe to repeat: that issues
    /// another token.
    ///
    /// More than 1000 jobs take several requests, some at the same time; see ``StacksResponse/failedBatches``.
    ///
    /// - Parameters:
    ///   - jobs: Jobs that this stack has reserved, at least one.
    ///   - stack: The stack's key.
    ///   - lifetime: When the tokens expire, after 1 to 3600 whole seconds; the server's default when left out. They
    ///     expire with the reservation at the latest.
    ///   - options: Options of this call.
    /// - Returns: The tokens, and the jobs without one. A token that is empty or contains anything but visible ASCII
    ///   characters is unusable for an agent and counts as not issued.
    /// - Throws: ``StacksAPIError``.
    public func issueJobAcquisitionTokens(
        for jobs: [JobID],
        stack: String,
        lifetime: Duration? = nil,
        options: CallOptions = CallOptions()
    ) async throws -> StacksResponse<JobAcquisitionTokens> {
        let operation = StacksOperation.issueJobAcquisitionTokens
        try Argument.check(stackKey: stack, jobs: jobs, for: operation)
        let seconds = try Argument.seconds(tokenLifetime: lifetime)
        let response = try await core.performForJobs(
            core.target(operation, stack: stack), jobs: jobs, request: .acquisitionTokens(lifetime: seconds),
            options: options, decode: JobAcquisitionTokens.read, joined: JobAcquisitionTokens.joined)
        return response.map(\.usable)
    }
}

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

extension JobAcquisitionTokens {
    static func read(_ reader: inout JSONReader) throws(JSONError) -> JobAcquisitionTokens {
        var issued: [JobAcquisitionToken]?
        var unreadable: [JobID] = []
        var notIssued: [JobID] = []
        let object = try reader.beginObject()
        while let name = try reader.nextKey() {
            switch name {
            case "job_acquisition_tokens": issued = try readTokens(&reader, &unreadable)
            case "not_issued": notIssued = try reader.identifiersOrEmpty()
            default: try reader.skip()
            }
        }
        var tokens = JobAcquisitionTokens(
            issued: try issued.required("job_acquisition_tokens", in: object), notIssued: notIssued)
        if !unreadable.isEmpty { tokens.addNotIssued(unreadable) }
        return tokens
    }

    static func joined(_ batches: [JobAcquisitionTokens]) -> JobAcquisitionTokens {
        JobAcquisitionTokens(issued: batches.flatMap(\.issued), notIssued: batches.flatMap(\.notIssued))
    }

    /// The tokens that can be decoded. One that cannot counts as not issued.
    private static func readTokens(
        _ reader: inout JSONReader, _ unreadable: inout [JobID]
    ) throws(JSONError) -> [JobAcquisitionToken] {
        unreadable = []
        if try reader.null() { return [] }
        var tokens: [JobAcquisitionToken] = []
        try reader.beginArray()
        while try reader.nextElement() {
            let place = reader.place
            do throws(JSONError) {
                tokens.append(try JobAcquisitionToken.read(&reader))
            } catch {
                _ = try reader.passValue(at: place)
                if let job: JobID = reader.identifier(named: "job_uuid", at: place) { unreadable.append(job) }
            }
        }
        return tokens
    }
}

extension JobAcquisitionToken {
    static func read(_ reader: inout JSONReader) throws(JSONError) -> JobAcquisitionToken {
        var job: JobID?
        var token: String?
        var result = JobAcquisitionToken(job: JobID(storage: .uuid(high: 0, low: 0)), token: Secret(""))
        let object = try reader.beginObject()
        while let name = try reader.nextKey() {
            switch name {
            case "job_uuid": job = try reader.optionalIdentifier()
            case "job_acquisition_token": token = try reader.optionalString()
            case "expires_at": result.expiresAt = try reader.dateOrNil()
            default: try reader.skip()
            }
        }
        result.job = try job.required("job_uuid", in: object)
        result.token = Secret(try token.required("job_acquisition_token", in: object))
        return result
    }
}

extension JobListRequest {
    /// A request for tokens that expire after so many seconds, or after the server's default.
    static func acquisitionTokens(lifetime seconds: Int?) -> JobListRequest {
        JobListRequest(secondsField: "token_lifetime_seconds", seconds: seconds)
    }
}
