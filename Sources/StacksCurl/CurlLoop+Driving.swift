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

    /// Drives the ready sockets and the due timers.
    mutating func drive() {
        for socket in ready where socket.revents != 0 {
            // A descriptor is open once in the process, so at most one multi handle watches it.
            for multi in multis { multi.driveSocketIfWatched(socket) }
        }
        // A bounded number of rounds, so that timers that are always due do not starve sockets and callers.
        for _ in 0..<4 {
            for multi in multis {
                // After the longest sleep, drive libcurl anyway, in case it did not announce a timer.
                if multi.isTimerDue || hasSleptLong { multi.driveTimer() }
                while let (transfer, result) = multi.nextFinished() { finish(transfer, result) }
            }
            hasSleptLong = false
            if !isTimerDue { break }
        }
    }

    /// Sends what the turn has written, and frees the multi handles that are not needed any more.
    mutating func endTurn() {
        for multi in multis { multi.gatheredWrites.end() }
        if multis.count > 1 || multis.last?.isRetired == true {
            multis.removeAll { $0.isRetired && $0.isEmpty }
        }
    }

    mutating func finish(_ transfer: CurlTransfer, _ result: CURLcode) {
        // A failed resolution has ended too. libcurl reports a finished transfer once, so it must not be abandoned.
        transfer.progress.isResolving = false
        guard transfer.call != nil else { return reclaim(transfer) }
        if transfer.progress.connectionWasStale { return restartLater(transfer) }
        guard result == CURLE_OK || transfer.hasCompleteResponse(despite: result) else {
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

    /// Schedules a call whose connection was stale for the next turn. Nothing of it was written.
    ///
    /// The stale connection is closed unless another call uses it. After as many restarts as there can be idle
    /// connections, the call takes any connection.
    private mutating func restartLater(_ transfer: CurlTransfer) {
        let (multi, times) = (transfer.multi, transfer.restarts + 1)
        guard let call = transfer.takeCall() else { return }
        multi?.remove(transfer)
        recycle(transfer)
        restarting.append((call, times))
    }

    /// Starts the calls that ``restartLater(_:)`` has scheduled.
    mutating func restart() {
        while let (call, times) = restarting.popLast() {
            start(call, restarts: times)
            // If it could not be started, the next waiting call takes its place.
            startWaiting(origin: call.request.origin)
        }
    }

    /// Whether a connection to `origin` is known to carry only one call at a time.
    mutating func usesHTTP1(_ origin: String) -> Bool {
        if let isShared = queue.sharesConnections(origin: origin) { return !isShared }
        return configuration.httpVersion == .http1_1 || !CurlLibrary.hasHTTP2 || isPlaintext(origin)
    }

    /// Whether a failure leaves a broken connection in libcurl's pool.
    ///
    /// libcurl closes a failed connection, but not a shared one: the next call would get an nghttp2 session that has
    /// failed, after a header that was too large for example (seen with 7.88.1).
    mutating func breaksSharedConnection(_ result: CURLcode, _ transfer: CurlTransfer) -> Bool {
        guard result == CURLE_HTTP2 || result == CURLE_RECV_ERROR || result == CURLE_SEND_ERROR,
            let origin = transfer.call?.request.origin
        else { return false }
        return !usesHTTP1(origin)
    }

    /// Polls the sockets, and stores their events in ``ready``.
    ///
    /// - Parameter sleeps: Whether to block until a socket is ready, the waker is written to, or a timer or deadline is due.
    mutating func pollSockets(sleeps: Bool) {
        ready.append(pollfd(fd: mailbox.waker.readEnd, events: Int16(POLLIN), revents: 0))
        for multi in multis { ready.append(contentsOf: multi.sockets) }
        let timeout = sleeps ? timeUntilNextInstant() : 0
        unsafe ready.withUnsafeMutableBufferPointer { ready in
            // On an error, EINTR for example, there are no events, and the turn does nothing.
            let count = unsafe poll(ready.baseAddress, nfds_t(ready.count), timeout)
            hasSleptLong = count == 0 && timeout == Self.longestSleep
        }
        if ready[0].revents != 0 { mailbox.waker.clear() }
        ready.removeFirst()
    }

    /// The milliseconds until the next timer or deadline, or -1 when there is none.
    func timeUntilNextInstant() -> Int32 {
        var next = earliestDeadline
        if let nextResolutionCheck { next = min(next ?? nextResolutionCheck, nextResolutionCheck) }
        for multi in multis {
            if let instant = multi.timerInstant { next = min(next ?? instant, instant) }
        }
        guard let next else { return -1 }
        return Int32(min(max(.zero, next - .now), .milliseconds(Self.longestSleep)).wholeMilliseconds)
    }

    /// The longest sleep with calls in flight, in milliseconds. It bounds the delay of a timer that libcurl did not
    /// announce.
    private static var longestSleep: Int32 { 1000 }
}
