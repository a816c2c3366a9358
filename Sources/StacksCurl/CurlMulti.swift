import CLibcurl
import StacksTransport

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Owns one multi handle with its connections, and knows the sockets and the timer that libcurl wants watched.
///
/// Only the I/O thread touches it. A transport has one that takes new calls, and for as long as their last calls last,
/// those that were given up because their connections were dead.
@safe final class CurlMulti {
    private let handle: UnsafeMutableRawPointer
    /// What is to be polled, as libcurl asked for it.
    private(set) var sockets: [pollfd] = []
    private(set) var transfers: [CallID: CurlTransfer] = [:]
    /// Transfers without a call, which libcurl keeps until it has the name that it looks up for them.
    var orphans: [Orphan] = []
    var connectedSockets = ConnectedSockets()
    var gatheredWrites = GatheredWrites()
    /// When the loop's turn began.
    private(set) var now: Moment
    /// The number of the loop's turn.
    private(set) var turn: UInt64
    /// When the handle was made.
    let madeAt: Moment
    private var receipts = Receipts()
    /// When the last transfer left.
    private var lastUse: Moment
    /// Whether its connections are not to be used for new calls.
    var isGivenUp = false
    private var timer = Timer.none

    private enum Timer {
        case none
        case now
        case at(Moment)
    }

    init(
        configuration: CurlTransport.Configuration, library: CurlFeatures, turn: UInt64, now: Moment
    ) throws(TransportError) {
        guard let handle = unsafe curl_multi_init() else {
            throw TransportError(code: .other, phase: .queued, message: "libcurl has no memory for a multi handle")
        }
        unsafe self.handle = handle
        self.turn = turn
        self.now = now
        madeAt = now
        lastUse = now
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        _ = unsafe stacks_multi_set_long(handle, CURLMOPT_PIPELINING, stacks_pipe_multiplex)
        _ = unsafe stacks_multi_set_long(
            handle, CURLMOPT_MAX_HOST_CONNECTIONS, configuration.maximumConnectionsPerHost)
        _ = unsafe stacks_multi_set_long(
            handle, CURLMOPT_MAX_CONCURRENT_STREAMS, configuration.maximumConcurrentStreams)
        // libcurl would otherwise size its pool by the number of transfers, and close connections when that shrinks.
        _ = unsafe stacks_multi_set_long(handle, CURLMOPT_MAXCONNECTS, 4 * configuration.maximumConnectionsPerHost)
        if library.gathersLookUps { _ = unsafe stacks_multi_set_quick_exit(handle) }
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
        for transfer in transfers.values + orphans.map(\.transfer) {
            _ = unsafe curl_multi_remove_handle(handle, transfer.easy.pointer)
        }
        _ = unsafe curl_multi_cleanup(handle)
    }

    /// Gives a prepared transfer to libcurl, which starts it the next time it is driven.
    func add(_ transfer: CurlTransfer, id: CallID) -> CURLMcode {
        let result = unsafe curl_multi_add_handle(handle, transfer.easy.pointer)
        if result == CURLM_OK {
            transfers[id] = transfer
            transfer.multi = self
        }
        return result
    }

    /// Takes a transfer back, done or not. A stream that is still open is reset; an HTTP/1.1 connection in the middle of
    /// an answer is closed.
    func remove(_ transfer: CurlTransfer, id: CallID) {
        transfers[id] = nil
        lastUse = now
        _ = unsafe curl_multi_remove_handle(handle, transfer.easy.pointer)
    }

    /// Says which turn of the loop it is.
    func begin(turn: UInt64, at now: Moment) {
        self.turn = turn
        self.now = now
    }

    /// Leaves a transfer in libcurl's hands that no call belongs to any more.
    func leave(_ transfer: CurlTransfer, id: CallID, origin: String) {
        transfers[id] = nil
        orphans.append(Orphan(transfer: transfer, origin: origin))
    }

    /// Takes back a transfer that libcurl has finished with, and says whose place it took, if it was left to libcurl.
    func bury(_ transfer: CurlTransfer) -> String? {
        guard let index = orphans.firstIndex(where: { $0.transfer === transfer }) else { return nil }
        _ = unsafe curl_multi_remove_handle(handle, transfer.easy.pointer)
        return orphans.remove(at: index).origin
    }

    /// Whether there was nothing to do for a while, before the one transfer that there is.
    var hasPaused: Bool { transfers.count == 1 && now - lastUse > .milliseconds(50) }

    /// Whether libcurl's timer was due when the turn began. Never too early: a timer that is driven before its time would
    /// be lost, because libcurl does not set again what it has not changed.
    var isTimerDue: Bool {
        switch timer {
        case .none: false
        case .now: true
        case .at(let instant): instant <= now
        }
    }

    /// When libcurl's timer will be due, or `nil` when there is none.
    var timerInstant: Moment? {
        switch timer {
        case .none: nil
        case .now: .now
        case .at(let instant): instant
        }
    }

    /// Lets libcurl do what its timer was set for: start transfers, notice time-outs.
    func driveTimer() {
        // libcurl sets the timer anew whenever it needs one; what it sets while it is driven must not be lost.
        timer = .none
        var running: Int32 = 0
        _ = unsafe curl_multi_socket_action(handle, stacks_socket_timeout, 0, &running)
    }

    /// Lets libcurl read and write a socket that `poll` found ready.
    private func driveSocket(_ socket: curl_socket_t, events: Int16) {
        var mask: Int32 = 0
        if events & Int16(POLLIN | POLLHUP) != 0 { mask |= CURL_CSELECT_IN }
        if events & Int16(POLLOUT) != 0 { mask |= CURL_CSELECT_OUT }
        if events & Int16(POLLERR | POLLNVAL) != 0 { mask |= CURL_CSELECT_ERR }
        var running: Int32 = 0
        _ = unsafe curl_multi_socket_action(handle, socket, mask, &running)
    }

    /// Drives a socket that `poll` found ready, if it is one of this handle's.
    func driveSocketIfWatched(_ ready: pollfd) {
        guard sockets.contains(where: { $0.fd == ready.fd }) else { return }
        driveSocket(ready.fd, events: ready.revents)
    }

    /// Whether the connection of a transfer looks dead: its request was written, and for `silence` nothing has come on that
    /// connection, for this call or another.
    func isSilent(_ transfer: CurlTransfer, for silence: Duration) -> Bool {
        guard transfer.progress.isSending, let sentAt = transfer.progress.sentAt else { return false }
        return now - max(receipts.last(onPort: transfer.progress.localPort) ?? sentAt, sentAt) >= silence
    }

    /// The next transfer that libcurl has finished with, and how it went.
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

    /// Notes that a server sent something on the connection from a local port.
    func noteReceipt(onPort port: Int32) {
        receipts.note(now, onPort: port)
    }

    /// Lends `body` the object behind a callback's context. The loop holds it while libcurl is driven, so no reference
    /// needs to be counted.
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
            sockets.remove(at: index)
            gatheredWrites.end(socket)
        case (let index?, _): sockets[index].events = Int16(events)
        case (nil, 0): break
        case (nil, _): sockets.append(pollfd(fd: socket, events: Int16(events), revents: 0))
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
