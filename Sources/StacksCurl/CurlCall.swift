import StacksTransport

/// A call on its way to the I/O thread and back: all of its state that crosses threads.
///
/// The caller creates it and holds a reference until it has taken the outcome, so that the thread that allocated the
/// memory frees it, except after a cancellation. Freeing it on the I/O thread would make both threads contend for the lock
/// of the allocator's arena. For the same reason, the caller allocates the buffers for a small response.
@safe final class CurlCall: Sendable {
    let id: CallID
    let request: TransportRequest
    let deadline: Moment

    typealias Outcome = Result<TransportResponse, any Error>

    // Unchecked, and safe because only one thread accesses them at a time: the caller, until it posts the call to the
    // mailbox, whose lock orders the accesses; then the I/O thread, until it resumes the continuation; then the caller.
    private nonisolated(unsafe) var caller: WaitingCaller?
    private nonisolated(unsafe) var outcome: Outcome?
    private nonisolated(unsafe) var buffers: ResponseBuffers
    /// The transfer that processes the call. Unchecked, and safe because only the I/O thread accesses it, and because
    /// `takeCall` resets it before the loop releases the transfer.
    nonisolated(unsafe) unowned(unsafe) var transfer: CurlTransfer?

    init(id: CallID, request: borrowing TransportRequest, deadline: Moment) {
        self.id = id
        self.request = copy request
        self.deadline = deadline
        var buffers = ResponseBuffers()
        buffers.reserve()
        unsafe self.buffers = buffers
    }

    // MARK: The caller's side

    /// Sets the caller to resume at the end of the call.
    func await(by caller: WaitingCaller) {
        unsafe self.caller = caller
    }

    /// Fails a call that the mailbox refused.
    func refuse(with error: TransportError) {
        settle(.failure(error))?.resume()
    }

    /// The outcome, after the caller was resumed. Call it once.
    @inline(never)
    func takeOutcome() throws -> TransportResponse {
        // Never nil for a resumed caller: the outcome is written before the continuation leaves the call.
        guard let outcome = unsafe outcome.take() else { throw TransportError.transportClosed(phase: .queued) }
        return try outcome.get()
    }

    // MARK: The I/O thread's side

    /// Hands over the buffers for the response.
    func takeBuffers() -> ResponseBuffers {
        defer { unsafe buffers = ResponseBuffers() }
        return unsafe buffers
    }

    /// Sets the outcome of the call.
    ///
    /// - Returns: The caller to resume, once. Release all references to the call before that.
    func settle(_ outcome: consuming Outcome) -> WaitingCaller? {
        unsafe self.outcome = consume outcome
        return unsafe caller.take()
    }
}

/// A caller that is suspended until its call ends.
///
/// It is resumed exactly once. A checked continuation would cost an allocation per call; instead, the I/O thread removes a
/// call from its place (the queue, a transfer, the restarts) in the step in which it settles it.
@safe struct WaitingCaller: Sendable {
    private let continuation: UnsafeContinuation<Void, Never>

    init(_ continuation: UnsafeContinuation<Void, Never>) { unsafe self.continuation = continuation }

    func resume() { unsafe continuation.resume() }
}
