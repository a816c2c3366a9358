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
    mutating func drive() {
        for socket in ready where socket.revents != 0 {
            // A descriptor is open once in the process, so at most one multi handle knows it.
            for multi in multis { multi.driveSocketIfWatched(socket) }
        }
        // A bounded number of rounds: what is due after that has its turn when sockets and callers have had theirs.
        for _ in 0..<4 {
            for multi in multis {
                // After a long sleep libcurl is driven in any case, for a timer that it forgot to announce.
                if multi.isTimerDue || hasSleptLong { multi.driveTimer() }
                while let (transfer, result) = multi.nextFinished() { finish(transfer, result) }
            }
            hasSleptLong = false
            if !isTimerDue { break }
        }
        for multi in multis { multi.gatheredWrites.end() }
        if multis.count > 1 || multis.last?.isGivenUp == true {
            multis.removeAll { $0.isGivenUp && $0.transfers.isEmpty && $0.orphans.isEmpty }
        }
    }

    mutating func finish(_ transfer: CurlTransfer, _ result: CURLcode) {
        // A look-up that failed is over too, and what is finished is reported once: it must not be left to libcurl.
        transfer.progress.isResolving = false
        guard transfer.call != nil else { return bury(transfer) }
        if transfer.progress.connectionWasStale { return restartLater(transfer) }
        guard result == CURLE_OK || transfer.isAnswered(inSpiteOf: result) else {
            let error = TransportError(curl: result, of: transfer, configuration: configuration)
            if breaksSharedConnection(result, transfer), let multi = transfer.multi { quarantine(multi) }
            if let call = detach(transfer) { end(call, .failure(error)) }
            return
        }
        do throws(TransportError) {
            let response = try transfer.takeResponse()
            if let version = response.metrics?.httpVersion, let origin = transfer.call?.request.origin {
                let isShared = version == .http2
                queue.learn(
                    limit: configuration.callLimit(overHTTP2: isShared), sharesConnections: isShared, origin: origin)
            }
            if let call = detach(transfer) { end(call, .success(response)) }
        } catch {
            if let call = detach(transfer) { end(call, .failure(error)) }
        }
    }

    /// Keeps a call for the next turn that was kept off a stale connection: nothing of it was written.
    ///
    /// That connection is closed, unless another call is on it; so a call that has been begun anew as often as there can
    /// be idle connections is no longer kept off any.
    private mutating func restartLater(_ transfer: CurlTransfer) {
        let (multi, times) = (transfer.multi, transfer.restarts + 1)
        guard let call = transfer.takeCall() else { return }
        multi?.remove(transfer, id: call.id)
        recycle(transfer)
        restarting.append((call, times))
    }

    /// Begins anew what ``restartLater(_:)`` has kept.
    mutating func restart() {
        while let (call, times) = restarting.popLast() {
            start(call, restarts: times)
            // If it could not be started, its place is another's.
            startWaiting(origin: call.request.origin)
        }
    }

    /// Whether connections to `origin` are known to carry one call at a time.
    mutating func speaksHTTP1(_ origin: String) -> Bool {
        configuration.httpVersion == .http1_1 || !CurlLibrary.hasHTTP2 || isPlaintext(origin)
            || queue.sharesConnections(origin: origin) == false
    }

    /// Whether a failure leaves a connection behind on which nothing works any more.
    ///
    /// libcurl closes a connection that failed, but not when it is one for several calls at a time: it would give the
    /// next call a session that nghttp2 has given up, after a header that was too long for example (seen with 7.88.1).
    mutating func breaksSharedConnection(_ result: CURLcode, _ transfer: CurlTransfer) -> Bool {
        guard result == CURLE_HTTP2 || result == CURLE_RECV_ERROR || result == CURLE_SEND_ERROR,
            let origin = transfer.call?.request.origin
        else { return false }
        return !speaksHTTP1(origin)
    }

    /// Finds the sockets that are ready, into ``ready``.
    ///
    /// - Parameter sleeps: Whether to wait until there is one, the waker was written to, or a timer or a deadline is due.
    mutating func pollSockets(sleeps: Bool) {
        ready.append(pollfd(fd: mailbox.waker.readEnd, events: Int16(POLLIN), revents: 0))
        for multi in multis { ready.append(contentsOf: multi.sockets) }
        let timeout = sleeps ? timeUntilNextInstant() : 0
        unsafe ready.withUnsafeMutableBufferPointer { ready in
            // EINTR and the like leave the events as they were, none, and the loop turns once for nothing.
            let count = unsafe poll(ready.baseAddress, nfds_t(ready.count), timeout)
            hasSleptLong = count == 0 && timeout == Self.longestSleep
        }
        if ready[0].revents != 0 { mailbox.waker.clear() }
        ready.removeFirst()
    }

    /// Milliseconds until a timer or a deadline is due, or -1 when there is none.
    func timeUntilNextInstant() -> Int32 {
        var next = earliestDeadline
        if let nextLookUpCheck { next = min(next ?? nextLookUpCheck, nextLookUpCheck) }
        for multi in multis {
            if let instant = multi.timerInstant { next = min(next ?? instant, instant) }
        }
        guard let next else { return -1 }
        return Int32(min(max(.zero, next - .now), .milliseconds(Self.longestSleep)).wholeMilliseconds)
    }

    /// The longest that the loop sleeps with calls in flight, in milliseconds: so long does a timer at most cost that
    /// libcurl forgot to announce.
    private static var longestSleep: Int32 { 1000 }
}
