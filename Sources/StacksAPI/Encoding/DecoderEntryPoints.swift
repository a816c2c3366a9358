package import StacksTransport

#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// All decoding of what a server sends, without a call: for programs that compare the decoders with others and fuzz
/// them.
package enum DecoderEntryPoints {
    /// Why a document cannot be decoded, and where.
    package struct Refusal: Error, CustomStringConvertible {
        /// The position, in bytes from the document's beginning.
        package let offset: Int
        package let description: String
    }

    private static func read<Value>(
        _ document: [UInt8], _ body: (inout JSONReader) throws(JSONError) -> Value
    ) throws(Refusal) -> Value {
        do throws(JSONError) {
            return try JSONReader.read(document, body)
        } catch {
            throw Refusal(offset: error.offset, description: error.description(in: document))
        }
    }

    // MARK: Responses

    package static func stack(_ document: [UInt8]) throws(Refusal) -> Stack { try read(document, Stack.read) }
    package static func scheduledJobs(_ document: [UInt8]) throws(Refusal) -> ScheduledJobsPage {
        try read(document, ScheduledJobsPage.read)
    }
    package static func reservation(_ document: [UInt8]) throws(Refusal) -> Reservation {
        try read(document, Reservation.read)
    }
    package static func job(_ document: [UInt8]) throws(Refusal) -> Job { try read(document, Job.read) }
    package static func jobStates(_ document: [UInt8]) throws(Refusal) -> JobStates {
        try read(document, JobStates.read)
    }
    package static func acquisitionTokens(_ document: [UInt8]) throws(Refusal) -> JobAcquisitionTokens {
        try read(document, JobAcquisitionTokens.read)
    }
    package static func notificationResult(_ document: [UInt8]) throws(Refusal) -> NotificationResult {
        try read(document, NotificationResult.read)
    }
    package static func tokenIdentity(_ document: [UInt8]) throws(Refusal) -> TokenIdentity {
        try read(document, TokenIdentity.read)
    }

    // MARK: Parts

    /// Any document, checked and skipped.
    package static func anything(_ document: [UInt8]) throws(Refusal) {
        try read(document) { (reader) throws(JSONError) in try reader.skip() }
    }

    /// A document that is one string.
    package static func string(_ document: [UInt8]) throws(Refusal) -> String {
        try read(document) { (reader) throws(JSONError) in try reader.string() }
    }

    /// A string as JSON.
    package static func document(_ string: String) -> [UInt8] {
        JSONWriter.bytes(capacity: JSONWriter.size(string)) { $0.string(string) }
    }

    /// A string as one value of a request's query.
    package static func pathSegment(_ string: String) -> String {
        var path = ""
        PercentEncoding.append(string, to: &path)
        return path
    }

    // MARK: Refusals

    /// The `message` of an error response's body.
    package static func message(_ body: [UInt8]) -> String? { ServerMessage.read(body, Redaction()) }

    /// The rate limit of a response, from its header fields or its body.
    package static func rateLimit(_ response: TransportResponse) -> RateLimit? { RateLimit.stated(in: response) }

    /// The wait that the header fields ask for.
    package static func retryAfter(_ fields: ResponseHeaderFields, now: Date) -> Duration? {
        RetryAfter.delay(in: fields, now: now)
    }

    /// The HTTP date in the text.
    package static func httpDate(_ text: String) -> Date? { HTTPDate.parse(text) }

    /// A body as the log shows it.
    package static func logged(_ body: [UInt8]) -> String { PayloadRedaction.text(body, Redaction()) }
}
