import CLibcurl
import StacksTransport

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

extension CurlLoop {
    var isTimerDue: Bool {
        multis.contains { $0.isTimerDue }
    }

    /// Drives the sockets that were found ready and the timers that are due, until nothing is left to do at once.
    func drive() {
        for socket in ready where socket.revents != 0 {
            // A descriptor is open once in the process, so at most one multi handle knows it.
            for multi in multis { multi.driveSocketIfWatched(socket) }
        }
        repeat {
            for multi in multis {
                if multi.isTimerDue { multi.driveTimer() }
                while let (transfer, result) = multi.nextFinished() { finish(transfer, result) }
            }
        } while isTimerDue
        if multis.count > 1 || multis.last?.isGivenUp == true {
            multis.removeAll { $0.isGivenUp && $0.transfers.isEmpty }
        }
    }

    func finish(_ transfer: CurlTransfer, _ result: CURLcode) {
        if transfer.progress.connectionWasStale { return restart(transfer) }
        guard result == CURLE_OK || transfer.isAnswered(inSpiteOf: result) else {
            let error = TransportError(curl: result, of: transfer, configuration: configuration)
            if breaksSharedConnection(result, transfer), let multi = transfer.multi { quarantine(multi) }
            if let call = detach(transfer) { end(call, .failure(error)) }
            return
        }
        let response = transfer.takeResponse()
        if let version = response.metrics?.httpVersion, let origin = transfer.call?.request.origin {
            queue.setLimit(configuration.callLimit(overHTTP2: version == .http2), origin: origin)
        }
        if let call = detach(transfer) { end(call, .success(response)) }
    }

    /// Begins a call anew that was kept off a stale connection: nothing of it was written. That connection is closed, so
    /// that there are as many attempts at most as there were idle connections.
    func restart(_ transfer: CurlTransfer) {
        let multi = transfer.multi
        guard let call = transfer.takeCall() else { return }
        multi?.remove(transfer, id: call.id)
        recycle(transfer)
        start(call)
        // If it could not be started, its place is another's.
        startWaiting(origin: call.request.origin)
    }

    /// Whether connections to `origin` are known to carry one call at a time.
    func speaksHTTP1(_ origin: String) -> Bool {
        configuration.httpVersion == .http1_1 || origin.hasPrefix("http:")
            || queue.limit(origin: origin) != configuration.callLimit(overHTTP2: true)
    }

    /// Whether a failure leaves a connection behind on which nothing works any more.
    ///
    /// libcurl closes a connection that failed, but not when it is one for several calls at a time: it would give the
    /// next call a session that nghttp2 has given up, after a header that was too long for example (seen with 7.88.1).
    func breaksSharedConnection(_ result: CURLcode, _ transfer: CurlTransfer) -> Bool {
        guard result == CURLE_HTTP2 || result == CURLE_RECV_ERROR || result == CURLE_SEND_ERROR,
            let origin = transfer.call?.request.origin
        else { return false }
        return !speaksHTTP1(origin)
    }

    /// Finds the sockets that are ready, into ``ready``.
    ///
    /// - Parameter sleeps: Whether to wait until there is one, the waker was written to, or a timer or a deadline is due.
    func pollSockets(sleeps: Bool) {
        ready.append(pollfd(fd: mailbox.waker.readEnd, events: Int16(POLLIN), revents: 0))
        for multi in multis { ready.append(contentsOf: multi.sockets) }
        let timeout = sleeps ? timeUntilNextInstant() : 0
        unsafe ready.withUnsafeMutableBufferPointer { ready in
            // EINTR and the like leave the events as they were, none, and the loop turns once for nothing.
            _ = unsafe poll(ready.baseAddress, nfds_t(ready.count), timeout)
        }
        if ready[0].revents != 0 { mailbox.waker.clear() }
        ready.removeFirst()
    }

    /// Milliseconds until a timer or a deadline is due, or -1 when there is none.
    func timeUntilNextInstant() -> Int32 {
        var next = earliestDeadline
        for multi in multis {
            if let instant = multi.timerInstant { next = min(next ?? instant, instant) }
        }
        guard let next else { return -1 }
        // Capped, so that a timer that libcurl forgot to announce costs a second at most.
        return Int32(min(max(.zero, next - .now), .seconds(1)).wholeMilliseconds)
    }
}
