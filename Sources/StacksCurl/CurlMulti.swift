import CLibcurl
import StacksTransport

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Owns one multi handle with its connections, and the sockets and the timer that libcurl asks to be watched.
///
/// Only the I/O thread accesses it. A transport has one multi handle for new calls, and retired ones until their last
/// calls end.
@safe final class CurlMulti {
    private let handle: UnsafeMutableRawPointer
    private let state = IOCell(State())
    /// Transfers without a call, which stay in libcurl until their name resolution ends.
    var abandoned: [EndedTransfer] = []
    /// Transfers without a call, which stay in libcurl until the loop has time to remove them.
    var leaving: [EndedTransfer] = []
    /// How many requests were written in this turn.
    private var requests = 0
    /// When the loop's turn began.
    private(set) var now: Moment
    /// The number of the loop's turn.
    private(set) var turn: UInt64
    /// When the handle was created.
    let createdAt: Moment
    /// When a transfer was removed last.
    private var lastUse: Moment
    /// Whether it takes no new calls.
    var isRetired = false
    private var timer = Timer.none

    /// What every call changes.
    private struct State {
        var sockets: [pollfd] = []
        var transfers: [CurlTransfer] = []
        var connectedSockets = ConnectedSockets()
        var gatheredWrites = GatheredWrites()
        var receipts = Receipts()
    }

    private enum Timer {
        case none
        case now
        case at(Moment)
    }

    init(
        configuration: CurlTransport.Configuration, library: CurlFeatures, turn: UInt64, now: Moment
    ) throws(TransportError) {
        guard let handle = unsafe curl_multi_init() else {
            throw TransportError(code: .other, phase: .queued, message: "libcurl could not allocate a multi handle")
        }
        unsafe self.handle = handle
        self.turn = turn
        self.now = now
        createdAt = now
        lastUse = now
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        _ = unsafe stacks_multi_set_long(handle, CURLMOPT_PIPELINING, stacks_pipe_multiplex)
        _ = unsafe stacks_multi_set_long(
            handle, CURLMOPT_MAX_HOST_CONNECTIONS, configuration.maximumConnectionsPerHost)
        _ = unsafe stacks_multi_set_long(
            handle, CURLMOPT_MAX_CONCURRENT_STREAMS, configuration.maximumConcurrentStreams)
        // By default, libcurl sizes its pool by the number of transfers, and closes connections when that number shrinks.
        _ = unsafe stacks_multi_set_long(handle, CURLMOPT_MAXCONNECTS, 4 * configuration.maximumConnectionsPerHost)
        if library.resolvesPerMulti { _ = unsafe stacks_multi_set_quick_exit(handle) }
        _ = unsafe stacks_multi_set_pointer(handle, CURLMOPT_SOCKETDATA, context)
        _ = unsafe stacks_multi_set_pointer(handle, CURLMOPT_TIMERDATA, context)
        _ = unsafe stacks_multi_set_socket_callback(handle) { _, socket, what, context, _ in
            unsafe CurlMulti.behind(context) { $0.watch(socket, for: what) }
            return 0
        }
        _ = unsafe stacks_multi_set_timer_callback(handle) { _, milliseconds, context in
            unsafe CurlMulti.behind(context) { $0.setTimer(milliseconds) }
            return 0
        }
    }

    deinit {
        assert(isEmpty)
        _ = unsafe curl_multi_cleanup(handle)
    }

    /// The sockets to poll.
    var sockets: [pollfd] {
        @inline(__always) _read { yield state.value.sockets }
    }

    /// The transfers of calls, in no particular order. To add or remove some meanwhile, iterate with `for`, which iterates
    /// over a copy: a closure that one of the array's methods calls must not.
    var transfers: [CurlTransfer] {
        @inline(__always) _read { yield state.value.transfers }
    }

    var connectedSockets: ConnectedSockets {
        @inline(__always) _read { yield state.value.connectedSockets }
        @inline(__always) _modify { yield &state.value.connectedSockets }
    }

    var gatheredWrites: GatheredWrites {
        @inline(__always) _read { yield state.value.gatheredWrites }
        @inline(__always) _modify { yield &state.value.gatheredWrites }
    }

    /// Adds a prepared transfer. libcurl starts it when it is driven next.
    func add(_ transfer: CurlTransfer) -> CURLMcode {
        let result = unsafe curl_multi_add_handle(handle, transfer.easy.pointer)
        if result == CURLM_OK {
            transfer.place = transfers.count
            state.value.transfers.append(transfer)
            transfer.multi = self
        }
        return result
    }

    /// Removes a transfer, finished or not. libcurl then resets an open stream, and closes an HTTP/1.1 connection with an
    /// incomplete response.
    func remove(_ transfer: CurlTransfer) {
        forget(transfer)
        removeHandle(of: transfer)
    }

    private func removeHandle(of transfer: CurlTransfer) {
        lastUse = now
        _ = unsafe curl_multi_remove_handle(handle, transfer.easy.pointer)
    }

    /// Takes a transfer from ``transfers``, whose last one moves to its place.
    private func forget(_ transfer: CurlTransfer) {
        assert(transfers[transfer.place] === transfer)
        let last = state.value.transfers.removeLast()
        if last === transfer { return }
        last.place = transfer.place
        state.value.transfers[transfer.place] = last
    }

    /// Begins a turn of the loop.
    func begin(turn: UInt64, at now: Moment) {
        self.turn = turn
        self.now = now
        requests = 0
    }

    /// A request is about to be written.
    ///
    /// Half of the calls in flight are sent before the others are written, so that the server works on them meanwhile.
    /// Without that, it gets all requests at once and responds to all of them at once: it waits while the responses are
    /// handled, and this thread waits for it.
    func willWriteRequest() {
        if requests >= Self.smallestHalf, requests == transfers.count / 2 { gatheredWrites.end() }
        requests += 1
    }

    /// For fewer calls, sending a segment more costs as much as it saves.
    private static var smallestHalf: Int { 4 }

    /// Keeps a transfer in libcurl without its call.
    func abandon(_ transfer: CurlTransfer, origin: String) {
        forget(transfer)
        abandoned.append(EndedTransfer(transfer: transfer, origin: origin))
    }

    /// Keeps a transfer in libcurl without its call until ``removeLeaving(_:)``.
    func letLeave(_ transfer: CurlTransfer, origin: String) {
        forget(transfer)
        leaving.append(EndedTransfer(transfer: transfer, origin: origin))
    }

    /// Removes one of the ``leaving`` transfers from libcurl, which resets its stream. The caller takes it from the list.
    ///
    /// The resets of several are coalesced.
    func removeLeaving(_ transfer: CurlTransfer) {
        if leaving.count > 1 { transfer.gatherReset(on: self) }
        removeHandle(of: transfer)
    }

    /// Removes a finished transfer that was abandoned.
    ///
    /// - Returns: The origin in whose lane it took a place, or `nil` when the transfer was not abandoned here.
    func reclaim(_ transfer: CurlTransfer) -> String? {
        guard let index = abandoned.firstIndex(where: { $0.transfer === transfer }) else { return nil }
        _ = unsafe curl_multi_remove_handle(handle, transfer.easy.pointer)
        return abandoned.remove(at: index).origin
    }

    /// Whether libcurl has no transfer.
    var isEmpty: Bool { transfers.isEmpty && abandoned.isEmpty && leaving.isEmpty }

    /// Whether the only transfer follows a pause without any.
    var hasPaused: Bool { transfers.count == 1 && now - lastUse > .milliseconds(50) }

    /// Whether libcurl's timer was due when the turn began. A timer must not be driven early: libcurl does not set an
    /// unchanged timer again, so it would be lost.
    var isTimerDue: Bool {
        switch timer {
        case .none: false
        case .now: true
        case .at(let instant): instant <= now
        }
    }

    /// When libcurl's timer is due, or `nil` when there is none.
    var timerInstant: Moment? {
        switch timer {
        case .none: nil
        case .now: .now
        case .at(let instant): instant
        }
    }

    /// Lets libcurl handle its timer: start transfers, check timeouts.
    func driveTimer() {
        // Reset before the call, because libcurl may set the timer while it is driven.
        timer = .none
        var running: Int32 = 0
        _ = unsafe curl_multi_socket_action(handle, stacks_socket_timeout, 0, &running)
    }

    /// Lets libcurl read from and write to a ready socket.
    private func driveSocket(_ socket: curl_socket_t, events: Int16) {
        var mask: Int32 = 0
        if events & Int16(POLLIN | POLLHUP) != 0 { mask |= CURL_CSELECT_IN }
        if events & Int16(POLLOUT) != 0 { mask |= CURL_CSELECT_OUT }
        if events & Int16(POLLERR | POLLNVAL) != 0 { mask |= CURL_CSELECT_ERR }
        var running: Int32 = 0
        _ = unsafe curl_multi_socket_action(handle, socket, mask, &running)
    }

    /// Drives a ready socket if this handle watches it.
    func driveSocketIfWatched(_ ready: pollfd) {
        guard sockets.contains(where: { $0.fd == ready.fd }) else { return }
        driveSocket(ready.fd, events: ready.revents)
    }

    /// Whether the connection of a transfer looks dead: the request was written, and since then and for `silence` no byte
    /// has arrived on the connection, for any call.
    func isSilent(_ transfer: CurlTransfer, for silence: Duration) -> Bool {
        guard transfer.progress.isSending, let sentAt = transfer.progress.sentAt else { return false }
        return now - max(state.value.receipts.last(onPort: transfer.progress.localPort) ?? sentAt, sentAt) >= silence
    }

    /// The next finished transfer and its result.
    func nextFinished() -> (CurlTransfer, CURLcode)? {
        var remaining: Int32 = 0
        while let message = unsafe curl_multi_info_read(handle, &remaining) {
            guard unsafe message.pointee.msg == CURLMSG_DONE else { continue }
            var context: UnsafeMutableRawPointer?
            _ = unsafe stacks_easy_get_pointer(message.pointee.easy_handle, CURLINFO_PRIVATE, &context)
            return unsafe (CurlTransfer.from(context), stacks_message_result(message))
        }
        return nil
    }

    /// Records that bytes arrived on the connection with a local port.
    func noteReceipt(onPort port: Int32) {
        state.value.receipts.note(now, onPort: port)
    }

    /// Calls `body` with the object of a callback's context, without retaining it: the loop holds a reference while
    /// libcurl runs.
    private static func behind(_ context: UnsafeMutableRawPointer?, _ body: (CurlMulti) -> Void) {
        unsafe Unmanaged<CurlMulti>.fromOpaque(context!)._withUnsafeGuaranteedRef { body($0) }
    }

    private func watch(_ socket: curl_socket_t, for what: Int32) {
        let index = sockets.firstIndex { $0.fd == socket }
        let events: Int32 =
            switch what {
            case CURL_POLL_IN: POLLIN
            case CURL_POLL_OUT: POLLOUT
            case CURL_POLL_INOUT: POLLIN | POLLOUT
            default: 0
            }
        switch (index, events) {
        case (let index?, 0):
            state.value.sockets.remove(at: index)
            gatheredWrites.end(socket)
        case (let index?, _): state.value.sockets[index].events = Int16(events)
        case (nil, 0): break
        case (nil, _): state.value.sockets.append(pollfd(fd: socket, events: Int16(events), revents: 0))
        }
    }

    private func setTimer(_ milliseconds: Int) {
        timer =
            switch milliseconds {
            case ..<0: .none
            case 0: .now
            default: .at(.now + .milliseconds(milliseconds))
            }
    }
}

/// A transfer that is still in libcurl after its call has ended.
struct EndedTransfer {
    let transfer: CurlTransfer
    /// The origin in whose lane of the queue it still takes a place.
    let origin: String
}
