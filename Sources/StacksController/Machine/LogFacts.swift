import HTTPTypes
import Logging
import StacksAPI

/// What a line of the log is about, beside its words: its metadata, under the names that the client's own lines have.
struct LogFacts: Sendable {
    var job: JobID?
    /// The call that the line is about.
    var call: ControllerCall?
    /// The status of the response that the call failed with.
    var status: Int?
    /// The number of the last request of that call.
    var attempt: Int?

    init(job: JobID? = nil) { self.job = job }

    /// Those of a call that failed.
    init(job: JobID? = nil, _ failure: CallFailure, of call: ControllerCall) {
        self.job = job
        self.call = call
        status = failure.underlying?.status?.code
        attempt = failure.underlying?.attempts
    }

    /// `nil` when there is nothing to say.
    var metadata: Logger.Metadata? {
        var metadata: Logger.Metadata = [:]
        if let job { metadata["job"] = "\(job)" }
        if let call {
            metadata["call"] = "\(call.operation)"
            metadata["purpose"] = "\(call.label)"
        }
        if let status { metadata["status"] = .stringConvertible(status) }
        if let attempt, attempt > 0 { metadata["attempt"] = .stringConvertible(attempt) }
        return metadata.isEmpty ? nil : metadata.visible
    }
}

extension ControllerCall {
    /// The client's operation: several calls make the same one.
    fileprivate var operation: StacksOperation {
        switch self {
        case .register: .registerStack
        case .poll: .scheduledJobs
        case .reserve, .renew, .giveBack: .reserveJobs
        case .issueTokens: .issueJobAcquisitionTokens
        case .queryStates: .jobStates
        case .finish: .finishJob
        case .deregister: .deregisterStack
        }
    }
}
