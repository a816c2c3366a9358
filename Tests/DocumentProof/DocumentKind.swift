import StacksAPI

/// A kind of document that a server sends and the client reads.
package enum DocumentKind: String, CaseIterable, Sendable {
    case stack
    case scheduledJobs = "scheduled-jobs"
    case reservation
    case job
    case jobStates = "job-states"
    case acquisitionTokens = "acquisition-tokens"
    case notificationResult = "notification-result"
    case tokenIdentity = "token-identity"
    case refusal

    /// What the client and Foundation make of a document.
    package func verdict(on document: [UInt8]) -> Verdict {
        switch self {
        case .stack: Verdict(document, PeerStack.self, WireReading.stack)
        case .scheduledJobs: Verdict(document, PeerPage.self) { ComparedPage(try WireReading.scheduledJobs($0)) }
        case .reservation: Verdict(document, PeerReservation.self, WireReading.reservation)
        case .job: Verdict(document, PeerJob.self, WireReading.job)
        case .jobStates: Verdict(document, PeerStates.self, WireReading.jobStates)
        case .acquisitionTokens: Verdict(document, PeerTokens.self, WireReading.acquisitionTokens)
        case .notificationResult: Verdict(document, PeerNotificationResult.self, WireReading.notificationResult)
        case .tokenIdentity: Verdict(document, PeerIdentity.self, WireReading.tokenIdentity)
        case .refusal: Verdict(document, PeerRefusal.self, Refusal.read)
        }
    }
}

/// What is read of an answer that refuses: its message, and the rate limit of a 429.
struct Refusal: Equatable {
    var message: String?
    var rateLimit: RateLimit?
}
