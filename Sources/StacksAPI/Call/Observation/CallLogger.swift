import HTTPTypes
package import Logging
import StacksTransport
import Synchronization

/// Logs the outcome of each call. A line that is not written allocates nothing.
///
/// Its metadata has the same names in every line, those of the article about logs. Numbers and durations stay what they
/// are, so that a handler which writes JSON can write numbers.
///
/// | Outcome | Level |
/// | --- | --- |
/// | success | debug |
/// | failure before a retry, cropped detail | notice |
/// | failure, which is also thrown, so that the caller decides what it means | debug |
/// | cancelled | debug |
/// | bodies, with `logsPayloads` | debug |
final class CallLogger: Sendable {
    private let logger: Logger
    private let logsPayloads: Bool
    private let redaction: Redaction
    private let calls = Atomic<UInt64>(0)
    /// Distinguishes this client's calls from another client's in the same log.
    private let prefix = String(UInt32.random(in: .min ... .max), radix: 36)

    init(_ logger: Logger, logsPayloads: Bool, redaction: Redaction) {
        self.logger = logger
        self.logsPayloads = logsPayloads
        self.redaction = redaction
    }

    private func logs(_ level: Logger.Level) -> Bool { logger.logLevel <= level }

    /// The number of a new call, which all its lines share.
    func nextNumber() -> UInt64 { calls.add(1, ordering: .relaxed).newValue }

    /// A call is about to send its first request.
    func sends(_ request: TransportRequest, of call: CallRecord) {
        guard logsPayloads, logs(.debug) else { return }
        var metadata = metadata(of: call)
        metadata["path"] = "\(redaction.scrub(request.path))"
        metadata["headers"] = .dictionary(
            Dictionary(request.headerFields.map { ($0.name.rawName, .string(shown($0))) }) { $1 })
        if let body = request.body { metadata["body"] = "\(PayloadRedaction.text(body, redaction))" }
        write(.debug, "Stacks API request", metadata)
    }

    func succeeded(_ received: ReceivedResponse) {
        guard logs(.debug) else { return }
        let (call, response) = (received.call, received.response)
        var metadata = metadata(of: call)
        metadata["status"] = .stringConvertible(response.status.code)
        metadata["attempt"] = .stringConvertible(received.attempts)
        if call.waited > .zero { metadata["rate_limit_wait"] = .stringConvertible(call.waited) }
        if let metrics = response.metrics { Self.add(metrics, to: &metadata) }
        if logsPayloads { metadata["body"] = "\(PayloadRedaction.text(response.body, redaction))" }
        write(.debug, "Stacks API call succeeded", metadata)
    }

    /// - Parameter attempt: The number of the request that failed.
    func retries(_ call: CallRecord, _ error: StacksAPIError, attempt: Int, after delay: Duration) {
        guard logs(.notice) else { return }
        var metadata = metadata(call, error, body: error.body)
        metadata["attempt"] = .stringConvertible(attempt)
        metadata["delay"] = .stringConvertible(delay)
        write(.notice, "Stacks API request failed, retrying", metadata)
    }

    /// - Parameter body: The whole body; the error may hold only its beginning, or nothing.
    func failed(_ call: CallRecord, _ error: StacksAPIError, body: [UInt8]) {
        guard logs(.debug) else { return }
        var metadata = metadata(call, error, body: body)
        metadata["attempt"] = .stringConvertible(error.attempts)
        write(.debug, "Stacks API call failed", metadata)
    }

    func cancelled(_ call: CallRecord, requests: Int) {
        guard logs(.debug) else { return }
        var metadata = metadata(of: call)
        metadata["attempt"] = .stringConvertible(requests)
        write(.debug, "Stacks API call cancelled", metadata)
    }

    func cropped(_ operation: StacksOperation, size: Int, to limit: Int, unit: String) {
        guard logs(.notice) else { return }
        write(
            .notice, "A detail was cropped",
            ["call": "\(operation)", "\(unit)": .stringConvertible(size), "limit": .stringConvertible(limit)]
        )
    }

    /// Writes every line, with untrusted text escaped.
    private func write(_ level: Logger.Level, _ message: Logger.Message, _ metadata: Logger.Metadata) {
        logger.log(level: level, message, metadata: metadata.visible)
    }

    // MARK: Metadata

    private func metadata(of call: CallRecord) -> Logger.Metadata {
        var metadata: Logger.Metadata = ["request_id": "\(prefix)-\(call.number)", "call": "\(call.operation)"]
        if let stack = call.stack { metadata["stack"] = "\(stack)" }
        if let job = call.job { metadata["job"] = "\(job)" }
        return metadata
    }

    private func metadata(
        _ call: CallRecord, _ error: StacksAPIError, body: [UInt8]
    ) -> Logger.Metadata {
        var metadata = metadata(of: call)
        metadata["error"] = "\(error.code)"
        metadata["reason"] = "\(error.message)"
        if let status = error.status { metadata["status"] = .stringConvertible(status.code) }
        if let message = error.serverMessage { metadata["server_message"] = "\(message)" }
        if let id = error.serverRequestID { metadata["server_request_id"] = "\(id)" }
        if logsPayloads, logs(.debug) { metadata["body"] = "\(PayloadRedaction.text(body, redaction))" }
        return metadata
    }

    private static func add(_ metrics: TransportMetrics, to metadata: inout Logger.Metadata) {
        metadata["name_lookup"] = .stringConvertible(metrics.nameLookup)
        metadata["connect"] = .stringConvertible(metrics.connect)
        metadata["tls"] = .stringConvertible(metrics.tlsHandshake)
        metadata["first_byte"] = .stringConvertible(metrics.firstByte)
        metadata["total"] = .stringConvertible(metrics.total)
        metadata["reused_connection"] = .stringConvertible(metrics.reusedConnection)
        if let version = metrics.httpVersion { metadata["http_version"] = "\(version)" }
    }

    private func shown(_ field: HTTPField) -> String {
        PayloadRedaction.namesSecret(field.name.rawName) ? Secret.placeholder : redaction.scrub(field.value)
    }
}

extension Logger.MetadataValue {
    /// The value as a log line may show it, with its strings escaped by ``VisibleText`` and cropped to a size that has
    /// room for a body.
    ///
    /// The library escapes what it logs, because handlers write it as it is. A number, a truth value or a duration
    /// stays what it is: it has no invisible characters, and a handler may write it as a number.
    package var visible: Logger.MetadataValue {
        func shown(_ text: String) -> String { VisibleText.escaped(text, limit: 5 * VisibleText.lineLimit) }
        switch self {
        case .string(let text): return .string(shown(text))
        case .stringConvertible(let value):
            let isPlain = value is any BinaryInteger || value is Bool || value is Duration
            return isPlain ? self : .string(shown(value.description))
        case .array(let values): return .array(values.map(\.visible))
        case .dictionary(let members): return .dictionary(members.visible)
        }
    }
}

extension Logger.Metadata {
    /// The same names, with values that a log line may show.
    package var visible: Logger.Metadata {
        // The names are the package's own, or those of header fields, which are ASCII without spaces.
        mapValues(\.visible)
    }
}
