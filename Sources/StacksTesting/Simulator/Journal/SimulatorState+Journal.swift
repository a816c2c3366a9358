import HTTPTypes
import StacksTransport

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What an operation says of itself while it is performed.
struct RequestNotes {
    /// The UUIDs of the jobs that the body names.
    var jobs: [String] = []
    /// The message of the refusal.
    var message: String?
}

extension SimulatorState {
    /// Writes a request into the journal, with the notes of its operation.
    mutating func record(
        _ request: TransportRequest, route: SimulatorRoute?, _ subject: RequestSubject, outcome: SimulatorOutcome,
        hadFault: Bool, at now: Date
    ) {
        let path = request.path.prefix { $0 != "?" }
        // A message may repeat a part of the path, in which a letter of a token may be encoded.
        let message = notes.message.flatMap { PercentEncoding.text($0[...], plusIsSpace: false) }.map(withoutTokens)
        var entry = SimulatedRequest(
            number: journal.nextNumber, date: now, operation: route?.operation, method: request.method.rawValue,
            path: withoutTokens(PercentEncoding.text(path, plusIsSpace: false) ?? ""), jobs: notes.jobs,
            message: message, hadFault: hadFault)
        if let route, !route.stack.isEmpty { entry.stack = withoutTokens(route.stack) }
        if case .success(let response) = outcome.result { entry.status = response.status.code }
        if entry.jobs.isEmpty, let job = subject.job { entry.jobs = [job] }
        entry.organization = subject.organization.map { organizations[$0].settings.slug }
        entry.agent = subject.agent.map { agents[$0].agent.id }
        journal.append(entry)
        lookForTokens(in: request, of: entry)
    }

    /// A text of a request, in which tokens are replaced.
    private func withoutTokens(_ text: String) -> String {
        let bytes = Array(text.utf8)
        let found = tokenPatterns.ranges(in: bytes)
        if found.isEmpty, bytes.count <= Self.longestText { return text }
        var result: [UInt8] = []
        var end = 0
        for range in found where range.lowerBound >= end {
            result += bytes[end..<range.lowerBound] + Array("[token]".utf8)
            end = range.upperBound
        }
        result += bytes[end...]
        return String(decoding: result.prefix(Self.longestText), as: UTF8.self)
    }

    /// A longer text is no path and no message of the API, and is cut.
    private static let longestText = 500
}
