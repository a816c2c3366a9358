import StacksTransport

/// A call on its way to the I/O thread and back: everything of it that crosses between threads.
///
/// The caller makes it and keeps a reference until it has taken the outcome, so that its memory goes back where it came
/// from: freed on the I/O thread it would cost both sides the lock of the allocator's arena. For the same reason the
/// caller brings the buffers that a small answer fits into.
@safe final class CurlCall: Sendable {
    let id: CallID
    let request: TransportRequest
    let deadline: Moment

    typealias Outcome = Result<TransportResponse, any Error>

    // Unchecked, and safe because the two sides take turns: the caller writes before it posts the call to the mailbox,
    // whose lock hands the call to the I/O thread; from then on that thread alone touches it, until it resumes the
    // continuation, after which only the caller does.
    private nonisolated(unsafe) var caller: WaitingCaller?
    private nonisolated(unsafe) var outcome: Outcome?
    private nonisolated(unsafe) var buffers = AnswerBuffers()

    init(id: CallID, request: borrowing TransportRequest, deadline: Moment) {
        self.id = id
        self.request = copy request
        self.deadline = deadline
        unsafe buffers.reserve()
    }

    // MARK: The caller's side

    /// Gives the call what resumes its caller.
    func await(by caller: WaitingCaller) {
        unsafe self.caller = caller
    }

    /// Ends a call that no I/O thread took.
    func refuse(with error: TransportError) {
        settle(.failure(error))?.resume()
    }

    /// What became of the call, once its caller was resumed. To be taken once.
    func takeOutcome() throws -> TransportResponse {
        // A caller that was resumed finds an outcome: it is written before the continuation is given away.
        guard let outcome = unsafe outcome.take() else { throw TransportError.transportClosed(phase: .queued) }
        return try outcome.get()
    }

    // MARK: The I/O thread's side

    /// Lends the buffers for the answer.
    func takeBuffers() -> AnswerBuffers {
        defer { unsafe buffers = AnswerBuffers() }
        return unsafe buffers
    }

    /// Notes what became of the call.
    ///
    /// - Returns: The caller, to be resumed once. No reference to the call is to be kept until then.
    func settle(_ outcome: consuming Outcome) -> WaitingCaller? {
        unsafe self.outcome = consume outcome
        return unsafe caller.take()
    }
}

/// A caller that is suspended until its call has ended.
///
/// It is resumed once, though nothing checks that, because a check costs an allocation for every call: the I/O thread
/// keeps the promise by taking a call out of the place where it was kept in the same step in which it settles it.
@safe struct WaitingCaller: Sendable {
    private let continuation: UnsafeContinuation<Void, Never>

    init(_ continuation: UnsafeContinuation<Void, Never>) { unsafe self.continuation = continuation }

    func resume() { unsafe continuation.resume() }
}

/// Where an answer's bytes are collected.
struct AnswerBuffers {
    var header: [UInt8] = []
    var body: [UInt8] = []

    /// Makes room for the header fields of the API, and for a body of a few identifiers.
    mutating func reserve() {
        header.reserveCapacity(512)
        body.reserveCapacity(256)
    }
}
