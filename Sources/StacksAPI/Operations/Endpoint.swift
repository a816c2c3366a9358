import HTTPTypes

/// What is fixed about an operation: how it goes on the wire, and whether it may be sent twice.
///
/// There is one object for each operation, so that a call passes a pointer on instead of copies.
final class Endpoint: Sendable {
    /// When a request may be sent again after a failure. What was certainly not sent can always be.
    enum Repetition: Sendable {
        /// At any time: doing it twice is the same as doing it once, or does no harm.
        case always
        /// When the server answered that it did not do it: 429 or 5xx.
        case whenRefused
        /// When the server answered that it did not even look at it: 429 or 503.
        case whenNotAccepted
    }

    let operation: StacksOperation
    let method: HTTPRequest.Method
    let repetition: Repetition
    /// The rate limit that it counts against; `nil` when there is none.
    let rateScope: RateScope?
    /// Whether the body of a success holds secrets: it is kept out of errors then.
    let answersSecrets: Bool

    private init(
        operation: StacksOperation, method: HTTPRequest.Method, repetition: Repetition, rateScope: RateScope? = nil,
        answersSecrets: Bool = false
    ) {
        self.operation = operation
        self.method = method
        self.repetition = repetition
        self.rateScope = rateScope
        self.answersSecrets = answersSecrets
    }

    static let registerStack = Endpoint(operation: .registerStack, method: .post, repetition: .always)
    static let deregisterStack = Endpoint(
        operation: .deregisterStack, method: .post, repetition: .always, rateScope: .standard)
    static let scheduledJobs = Endpoint(
        operation: .scheduledJobs, method: .get, repetition: .always, rateScope: .listScheduledJobs)
    static let reserveJobs = Endpoint(
        operation: .reserveJobs, method: .put, repetition: .always, rateScope: .batchReserve)
    static let job = Endpoint(
        operation: .job, method: .get, repetition: .always, rateScope: .showJob, answersSecrets: true)
    static let jobStates = Endpoint(
        operation: .jobStates, method: .post, repetition: .always, rateScope: .batchLoadJobStates)
    static let issueJobAcquisitionTokens = Endpoint(
        operation: .issueJobAcquisitionTokens, method: .post, repetition: .always, rateScope: .jobAcquisitionTokens,
        answersSecrets: true)
    static let finishJob = Endpoint(
        operation: .finishJob, method: .post, repetition: .whenNotAccepted, rateScope: .finishJob)
    static let notify = Endpoint(
        operation: .notify, method: .post, repetition: .whenRefused, rateScope: .stackNotification)
    static let tokenIdentity = Endpoint(operation: .tokenIdentity, method: .get, repetition: .always)
}
