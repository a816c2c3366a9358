import CoreMetrics
import StacksTransport
import Synchronization

/// A client's metrics. It owns its counters and timers.
///
/// They are created with the client, one for each operation and outcome, so that a call looks one up in a table. Labels
/// have few known values, operations, outcomes and codes, and never a stack's key or a job.
final class ClientMetrics: Sendable {
    private struct PerOperation: Sendable {
        let success: Timer
        let failure: Timer
        let cancelled: Timer
        let waits: Timer
        let budgetSpent: Counter
    }

    private enum Kind: String {
        case failure = "stacks_api_call_errors"
        case retry = "stacks_api_retries"
    }

    private struct Key: Hashable {
        var kind: Kind
        var operation: StacksOperation
        var code: StacksAPIError.Code
    }

    private let factory: any MetricsFactory
    private let operations: [PerOperation]
    private let errors = Mutex<[Key: Counter]>([:])
    private let confirmations: Counter
    private let connections: [Counter]
    private let connect: Timer
    private let firstByte: Timer
    private let transfer: Timer

    /// `nil` without a factory, so that metrics cost nothing then.
    init?(_ factory: any MetricsFactory) {
        if factory is NOOPMetricsHandler { return nil }
        self.factory = factory
        operations = StacksOperation.all.map { operation in
            let label = ("operation", operation.name)
            func duration(_ outcome: String) -> Timer {
                Timer(
                    label: "stacks_api_call_duration", dimensions: [label, ("outcome", outcome)], factory: factory)
            }
            return PerOperation(
                success: duration("success"), failure: duration("failure"), cancelled: duration("cancelled"),
                waits: Timer(label: "stacks_api_rate_limit_wait", dimensions: [label], factory: factory),
                budgetSpent: Counter(label: "stacks_api_retry_budget_spent", dimensions: [label], factory: factory)
            )
        }
        confirmations = Counter(label: "stacks_api_finish_confirmations", factory: factory)
        connections = ["false", "true"].map { isReused in
            Counter(label: "stacks_transport_requests", dimensions: [("reused", isReused)], factory: factory)
        }
        connect = Timer(label: "stacks_transport_connect", factory: factory)
        firstByte = Timer(label: "stacks_transport_first_byte", factory: factory)
        transfer = Timer(label: "stacks_transport_total", factory: factory)
    }

    /// Counts a call that succeeded, with the transport's timings of its last response.
    func succeeded(_ received: ReceivedResponse, after nanoseconds: Int64) {
        recordTransport(received.response)
        operations[received.call.operation.index].success.recordNanoseconds(nanoseconds)
        recordWait(of: received.call)
    }

    /// Counts a call that did not succeed, with its error's code and the transport's timings of its last response.
    func ended(_ call: CallRecord, _ outcome: CallOutcome, after nanoseconds: Int64) {
        if case .unreadable(let received, _) = outcome { recordTransport(received.response) }
        switch outcome {
        case .unreadable(_, let error), .failure(let error):
            counter(.failure, call.operation, error.code).increment()
            operations[call.operation.index].failure.recordNanoseconds(nanoseconds)
        case .cancelled:
            operations[call.operation.index].cancelled.recordNanoseconds(nanoseconds)
        }
        recordWait(of: call)
    }

    private func recordWait(of call: CallRecord) {
        guard call.waited > .zero else { return }
        operations[call.operation.index].waits.recordNanoseconds(call.waited.wholeNanoseconds)
    }

    func retries(_ operation: StacksOperation, after code: StacksAPIError.Code) {
        counter(.retry, operation, code).increment()
    }

    func budgetWasSpent(_ operation: StacksOperation) { operations[operation.index].budgetSpent.increment() }

    func confirmedFinish() { confirmations.increment() }

    private func recordTransport(_ response: TransportResponse) {
        guard let metrics = response.metrics else { return }
        connections[metrics.reusedConnection ? 1 : 0].increment()
        if !metrics.reusedConnection {
            connect.recordNanoseconds(max(metrics.connect, metrics.tlsHandshake).wholeNanoseconds)
        }
        firstByte.recordNanoseconds(metrics.firstByte.wholeNanoseconds)
        transfer.recordNanoseconds(metrics.total.wholeNanoseconds)
    }

    /// Created when first needed: most codes never occur.
    private func counter(_ kind: Kind, _ operation: StacksOperation, _ code: StacksAPIError.Code) -> Counter {
        let key = Key(kind: kind, operation: operation, code: code)
        return errors.withLock { errors in
            if let counter = errors[key] { return counter }
            let counter = Counter(
                label: kind.rawValue, dimensions: [("operation", operation.name), ("code", code.description)],
                factory: factory)
            errors[key] = counter
            return counter
        }
    }
}
