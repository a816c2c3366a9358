import HTTPTypes
import StacksTransport

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What is said of a request while it is performed.
struct RequestNotes {
    /// The UUIDs of the jobs that the body names.
    var jobs: [String] = []
    /// The message of the refusal.
    var message: String?
    /// Whether it was refused because of a rate limit.
    var isRateLimited = false
    /// Whether it was above a rate limit, refused or not.
    var isOverLimit = false
    /// Whether a fault applied to it.
    var hadFault = false
}

extension SimulatorState {
    /// Writes a request into the journal, with its notes.
    mutating func record(
        _ request: TransportRequest, route: SimulatorRoute?, _ subject: RequestSubject, status: Int?, at now: Date
    ) {
        let path = Substring(request.path.utf8.prefix { $0 != UInt8(ascii: "?") })
        var entry = SimulatedRequest(
            number: journal.nextNumber, date: now, operation: route?.operation, method: request.method.rawValue,
            path: withoutTokens(String(path)), jobs: notes.jobs, status: status,
            message: notes.message.map(withoutTokens), hadFault: notes.hadFault)
        if let route, !route.stack.isEmpty { entry.stack = withoutTokens(route.stack) }
        if entry.jobs.isEmpty, let job = subject.job { entry.jobs = [job] }
        entry.organization = subject.organization.map { organizations[$0].settings.slug }
        entry.agent = subject.agent.map { agents[$0].agent.id }
        journal.append(entry)
        lookForTokens(in: request, of: entry, organization: subject.organization)
    }

    /// A text of a request, in which tokens are replaced, also those of which a letter is percent-encoded. All else is as it
    /// was sent.
    private func withoutTokens(_ text: String) -> String {
        let bytes = Array(text.utf8)
        let found = tokenPatterns.places(in: bytes, isEncoded: true).map(\.range)
        if found.isEmpty, bytes.count <= Self.longestText { return text }
        var result: [UInt8] = []
        var end = 0
        for range in found {
            if range.lowerBound >= end { result += bytes[end..<range.lowerBound] + Array("[token]".utf8) }
            end = max(end, range.upperBound)
        }
        result += bytes[end...]
        return String(decoding: result.prefix(Self.longestText), as: UTF8.self)
    }

    /// A longer text is no path and no message of the API, and is cut.
    private static let longestText = 500
}
