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
    /// The body of an error: message and rate limit.
    case refusal

    private var reading: Reading {
        switch self {
        case .stack: Reading(PeerStack.self, DecoderEntryPoints.stack)
        case .scheduledJobs: Reading(PeerPage.self) { ComparedPage(try DecoderEntryPoints.scheduledJobs($0)) }
        case .reservation: Reading(PeerReservation.self, DecoderEntryPoints.reservation)
        case .job: Reading(PeerJob.self, DecoderEntryPoints.job)
        case .jobStates: Reading(PeerStates.self, DecoderEntryPoints.jobStates)
        case .acquisitionTokens: Reading(PeerTokens.self, DecoderEntryPoints.acquisitionTokens)
        case .notificationResult: Reading(PeerNotificationResult.self, DecoderEntryPoints.notificationResult)
        case .tokenIdentity: Reading(PeerIdentity.self, DecoderEntryPoints.tokenIdentity)
        case .refusal: Reading(PeerRefusal.self, Refusal.read)
        }
    }

    /// What the client and Foundation make of a document.
    package func verdict(on document: [UInt8]) -> Verdict { reading.verdict(document) }

    /// Reads a document twice and returns whether both values are the same.
    ///
    /// - Throws: What the client's reader throws.
    package func isReadTheSameTwice(_ document: [UInt8]) throws -> Bool { try reading.isSameTwice(document) }
}

/// The client's reader of one kind of document, beside Foundation's.
private struct Reading {
    let verdict: ([UInt8]) -> Verdict
    let isSameTwice: ([UInt8]) throws -> Bool

    init<P: Peer>(_ peer: P.Type, _ read: @escaping ([UInt8]) throws -> P.Value) {
        verdict = { Verdict($0, peer, read) }
        isSameTwice = { try read($0) == read($0) }
    }
}

/// What is read of a response that refuses: its message, and the rate limit of a 429.
struct Refusal: Equatable {
    var message: String?
    var rateLimit: RateLimit?
}
