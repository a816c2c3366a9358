import HTTPTypes
import Logging
import StacksTransport
import Synchronization

/// Writes what became of each call, one line an outcome. Nothing is allocated for a line that is not written.
///
/// | Outcome | Level |
/// | --- | --- |
/// | success | debug |
/// | failure that is tried again, detail that was cropped | notice |
/// | failure, which is thrown too, so that its catcher says what it means | debug |
/// | cancelled | debug |
/// | bodies, when asked for | debug |
final class CallLogger: Sendable {
    private let logger: Logger
    private let logsPayloads: Bool
    private let redaction: Redaction
    private let calls = Atomic<UInt64>(0)
    /// Tells this client's calls from another's in the same log.
    private let prefix = String(UInt32.random(in: .min ... .max), radix: 36)

    init(_ logger: Logger, logsPayloads: Bool, redaction: Redaction) {
        self.logger = logger
        self.logsPayloads = logsPayloads
        self.redaction = redaction
    }

    private func logs(_ level: Logger.Level) -> Bool { logger.logLevel <= level }

    /// The number that the lines of one call have in common.
    func began(_ endpoint: Endpoint, _ request: TransportRequest) -> UInt64 {
        let call = calls.add(1, ordering: .relaxed).newValue
        if logsPayloads, logs(.debug) {
            var metadata = metadata(call, endpoint)
            metadata["path"] = "\(redaction.scrub(request.path))"
            metadata["headers"] = .dictionary(
                Dictionary(request.headerFields.map { ($0.name.rawName, .string(shown($0))) }) { $1 })
            if let body = request.body { metadata["body"] = "\(PayloadRedaction.text(body, redaction))" }
            write(.debug, "Stacks API request", metadata)
        }
        return call
    }

    func succeeded(_ received: ReceivedResponse) {
        guard logs(.debug) else { return }
        let (call, response) = (received.call, received.response)
        var metadata = metadata(call.number, call.endpoint)
        metadata["status"] = "\(response.status.code)"
        metadata["attempts"] = "\(received.attempts)"
        if call.waited > .zero { metadata["rate_limit_wait"] = "\(call.waited)" }
        if let metrics = response.metrics { Self.add(metrics, to: &metadata) }
        if logsPayloads { metadata["body"] = "\(PayloadRedaction.text(response.body, redaction))" }
        write(.debug, "Stacks API call succeeded", metadata)
    }

    func retries(_ call: UInt64, _ endpoint: Endpoint, _ error: StacksAPIError, attempt: Int, after delay: Duration) {
        guard logs(.notice) else { return }
        var metadata = metadata(call, endpoint, error, body: error.body)
        metadata["next_attempt"] = "\(attempt)"
        metadata["delay"] = "\(delay)"
        write(.notice, "Stacks API request failed, trying again", metadata)
    }

    /// - Parameter body: The whole body, of which the error may hold only the beginning, or nothing.
    func failed(_ call: UInt64, _ endpoint: Endpoint, _ error: StacksAPIError, body: [UInt8]) {
        guard logs(.debug) else { return }
        var metadata = metadata(call, endpoint, error, body: body)
        metadata["attempts"] = "\(error.attempts)"
        write(.debug, "Stacks API call failed", metadata)
    }

    func cancelled(_ call: UInt64, _ endpoint: Endpoint, attempts: Int) {
        guard logs(.debug) else { return }
        var metadata = metadata(call, endpoint)
        metadata["attempts"] = "\(attempts)"
        write(.debug, "Stacks API call cancelled", metadata)
    }

    func cropped(_ operation: StacksOperation, size: Int, to limit: Int, unit: String) {
        guard logs(.notice) else { return }
        write(
            .notice, "A detail was cropped",
            ["operation": "\(operation)", "\(unit)": "\(size)", "limit": "\(limit)"]
        )
    }

    /// The one way into the log: what others have written reaches no handler unescaped.
    private func write(_ level: Logger.Level, _ message: Logger.Message, _ metadata: Logger.Metadata) {
        logger.log(level: level, message, metadata: metadata.visible)
    }

    // MARK: Metadata

    private func metadata(_ call: UInt64, _ endpoint: Endpoint) -> Logger.Metadata {
        ["request_id": "\(prefix)-\(call)", "operation": "\(endpoint.operation)"]
    }

    private func metadata(
        _ call: UInt64, _ endpoint: Endpoint, _ error: StacksAPIError, body: [UInt8]
    ) -> Logger.Metadata {
        var metadata = metadata(call, endpoint)
        metadata["error"] = "\(error.code)"
        metadata["message"] = "\(error.message)"
        if let status = error.status { metadata["status"] = "\(status.code)" }
        if let message = error.serverMessage { metadata["server_message"] = "\(message)" }
        if let id = error.serverRequestID { metadata["server_request_id"] = "\(id)" }
        if logsPayloads, logs(.debug) { metadata["body"] = "\(PayloadRedaction.text(body, redaction))" }
        return metadata
    }

    private static func add(_ metrics: TransportMetrics, to metadata: inout Logger.Metadata) {
        metadata["name_lookup"] = "\(metrics.nameLookup)"
        metadata["connect"] = "\(metrics.connect)"
        metadata["tls"] = "\(metrics.tlsHandshake)"
        metadata["first_byte"] = "\(metrics.firstByte)"
        metadata["total"] = "\(metrics.total)"
        metadata["reused_connection"] = "\(metrics.reusedConnection)"
        if let version = metrics.httpVersion { metadata["http_version"] = "\(version)" }
    }

    private func shown(_ field: HTTPField) -> String {
        PayloadRedaction.speaksOfSecret(field.name.rawName) ? Secret.placeholder : redaction.scrub(field.value)
    }
}
