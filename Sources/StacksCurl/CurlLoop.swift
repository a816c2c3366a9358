import CLibcurl
import StacksTransport

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The I/O thread's work: it owns everything of libcurl, and nothing of it is named on any other thread.
///
/// A turn of the loop collects what callers posted, lets libcurl read, write and start transfers, ends the calls that
/// are done, cancelled or past their deadline, and sleeps in `poll` when there is nothing left to do. Every call that the
/// mailbox took is resumed here, once: it is either waiting in ``queue`` or in one of the multi handles, and leaves that
/// place in the same step in which its continuation is resumed.
final class CurlLoop {
    private let configuration: CurlTransport.Configuration
    private let mailbox: CurlMailbox
    private let executor: CurlExecutor
    /// The multi handles: the last one takes new calls, unless it is given up like those before it, each of which goes
    /// with its last call.
    private var multis: [CurlMulti] = []
    private var queue: CallQueue<CurlCall>
    private var headerLists = CurlHeaderLists()
    private var idleTransfers: [CurlTransfer] = []
    /// No call's deadline is earlier. Finding the exact one takes a look at every call, so that is done only when this
    /// one passes.
    private var earliestDeadline: ContinuousClock.Instant?
    /// Calls that have ended and are not resumed yet: that comes after the figures that count them were published.
    private var ended: [(call: CurlCall, outcome: CurlCall.Outcome)] = []
    private var statistics = CurlTransport.Statistics()
    private var tick: UInt64 = 0
    private var inbox: [CurlMailbox.Command] = []
    private var ready: [pollfd] = []

    init(configuration: CurlTransport.Configuration, mailbox: CurlMailbox, executor: CurlExecutor) {
        self.configuration = configuration
        self.mailbox = mailbox
        self.executor = executor
        queue = CallQueue(limit: configuration.initialCallLimit)
    }

    /// Works until the mailbox is closed, then fails what is left and frees everything.
    func run() {
        while true {
            var order = collect(maySleep: ended.isEmpty && !isTimerDue)
            resumeEnded()
            ready.removeAll(keepingCapacity: true)
            if order == .sleep {
                pollSockets(sleeps: true)
                // Awake again: whoever posts from here on need not write to the waker.
                order = collect(maySleep: false)
            } else if tick % Self.turnsBetweenPolls == 0 {
                // Callers who post without a pause must not keep the sockets waiting.
                pollSockets(sleeps: false)
            }
            if order == .stop { break }
            tick += 1
            for multi in multis { multi.tick = tick }
            handleInbox()
            drive()
            expireCalls()
        }
        stop()
    }

    private static var turnsBetweenPolls: UInt64 { 16 }

    private func collect(maySleep: Bool) -> CurlMailbox.Order {
        statistics.queued = queue.count
        statistics.inFlight = multis.reduce(0) { $0 + $1.transfers.count }
        return mailbox.collect(into: &inbox, statistics: statistics, maySleep: maySleep)
    }

    private func handleInbox() {
        // Taken out one by one, in their order: a copy of each would count references for nothing.
        inbox.reverse()
        while let command = inbox.popLast() {
            switch command {
            case .start(let call): enqueue(call)
            case .cancel(let id): cancel(id)
            case .run(let job): executor.run(job)
            }
        }
    }
}

// MARK: - Starting and ending calls

extension CurlLoop {
    private func enqueue(_ call: CurlCall) {
        if call.deadline < earliestDeadline ?? call.deadline + .seconds(1) { earliestDeadline = call.deadline }
        if queue.add(call, id: call.id, origin: call.request.origin) { start(call) }
    }

    /// Gives a call to libcurl, or fails it. The queue has counted it as in flight already.
    private func start(_ call: CurlCall) {
        do {
            // On a connection that stands, libcurl would write the request before the deadlines are looked at.
            guard call.deadline > .now else { throw TransportError.deadlineExceeded(phase: .queued) }
            let multi = try activeMulti()
            let transfer = try idleTransfers.popLast() ?? CurlTransfer(configuration: configuration)
            do {
                try transfer.prepare(
                    call, headers: headerLists.list(for: call.request.headerFields),
                    speaksHTTP1: configuration.speaksHTTP1(
                        call.request.origin, callLimit: queue.limit(origin: call.request.origin)))
                let result = multi.add(transfer, id: call.id)
                guard result == CURLM_OK else {
                    throw TransportError(
                        code: .other, phase: .queued,
                        message: "libcurl refused the call: \(unsafe String(cString: curl_multi_strerror(result)))")
                }
            } catch {
                recycle(transfer)
                throw error
            }
        } catch {
            queue.finish(origin: call.request.origin)
            end(call, .failure(error))
        }
    }

    private func activeMulti() throws -> CurlMulti {
        if let multi = multis.last, !multi.isGivenUp { return multi }
        let multi = try CurlMulti(configuration: configuration)
        multi.tick = tick
        multis.append(multi)
        return multi
    }

    /// Takes a transfer out of libcurl's hands and lets the next call start.
    ///
    /// - Returns: The call, whose continuation the caller resumes.
    private func detach(_ transfer: CurlTransfer, startsNext: Bool = true) -> CurlCall? {
        let multi = transfer.multi
        guard let call = transfer.takeCall() else { return nil }
        multi?.remove(transfer, id: call.id)
        queue.finish(origin: call.request.origin)
        recycle(transfer)
        if startsNext { startWaiting(origin: call.request.origin) }
        return call
    }

    private func recycle(_ transfer: CurlTransfer) {
        _ = transfer.takeCall()
        if idleTransfers.count < configuration.maximumConcurrentStreams { idleTransfers.append(transfer) }
    }

    private func startWaiting(origin: String) {
        while let next = queue.next(origin: origin) { start(next) }
    }

    private func cancel(_ id: CallID) {
        let call: CurlCall?
        if let transfer = transfer(of: id) {
            call = detach(transfer)
        } else {
            call = queue.remove(id)
        }
        if let call { end(call, .failure(CancellationError())) }
    }

    private func transfer(of id: CallID) -> CurlTransfer? {
        for multi in multis { if let transfer = multi.transfers[id] { return transfer } }
        return nil
    }

    /// The one way out for a call that the mailbox took: it is counted here, and resumed at the end of the turn.
    private func end(_ call: CurlCall, _ outcome: CurlCall.Outcome) {
        switch outcome {
        case .success: statistics.answered += 1
        case .failure(is CancellationError): statistics.cancelled += 1
        case .failure: statistics.failed += 1
        }
        ended.append((call, outcome))
    }

    private func resumeEnded() {
        ended.reverse()
        while let (call, outcome) = ended.popLast() { call.resume(with: outcome) }
    }
}

// MARK: - libcurl's turn

extension CurlLoop {
    private var isTimerDue: Bool { multis.contains { $0.isTimerDue } }

    /// Drives the sockets that were found ready and the timers that are due, until nothing is left to do at once.
    private func drive() {
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

    private func finish(_ transfer: CurlTransfer, _ result: CURLcode) {
        statistics.connectionsOpened += transfer.easy.long(CURLINFO_NUM_CONNECTS)
        if transfer.progress.connectionWasStale { return restart(transfer) }
        guard result == CURLE_OK || transfer.isAnswered(inSpiteOf: result) else {
            let error = TransportError(
                curl: result, of: transfer, responseLimit: configuration.maximumResponseSize)
            if result.leavesSharedConnectionBroken, !transfer.speaksHTTP1, let multi = transfer.multi {
                quarantine(multi)
            }
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
    private func restart(_ transfer: CurlTransfer) {
        let multi = transfer.multi
        guard let call = transfer.takeCall() else { return }
        multi?.remove(transfer, id: call.id)
        recycle(transfer)
        start(call)
    }

    /// Finds the sockets that are ready, into ``ready``.
    ///
    /// - Parameter sleeps: Whether to wait until there is one, the waker was written to, or a timer or a deadline is due.
    private func pollSockets(sleeps: Bool) {
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
    private func timeUntilNextInstant() -> Int32 {
        var next = earliestDeadline
        for multi in multis {
            if let instant = multi.timerInstant { next = min(next ?? instant, instant) }
        }
        guard let next else { return -1 }
        // Capped, so that a timer that libcurl forgot to announce costs a second at most.
        return Int32(min(max(0, (next - .now).wholeMilliseconds), 1000))
    }
}

// MARK: - Deadlines

extension CurlLoop {
    /// Ends the calls whose deadline has passed.
    private func expireCalls() {
        guard let earliest = earliestDeadline else { return }
        let now = ContinuousClock.now
        guard earliest <= now else { return }
        for call in queue.removeAll(where: { $0.deadline <= now }) {
            end(call, .failure(TransportError.deadlineExceeded(phase: .queued)))
        }
        var origins: Set<String> = []
        for multi in multis {
            let expired = multi.transfers.values.filter { $0.call.map { $0.deadline <= now } ?? false }
            if expired.contains(where: { multi.isSilent(since: $0) }) { quarantine(multi) }
            for transfer in expired {
                statistics.connectionsOpened += transfer.easy.long(CURLINFO_NUM_CONNECTS)
                let error = TransportError.deadlineExceeded(phase: transfer.phase)
                guard let call = detach(transfer, startsNext: false) else { continue }
                origins.insert(call.request.origin)
                end(call, .failure(error))
            }
        }
        for origin in origins { startWaiting(origin: origin) }
        findEarliestDeadline()
    }

    /// Stops using a multi handle's connections: the next call goes out on a new one, and the old ones are closed when
    /// the last call on them has ended.
    ///
    /// A stream that timed out or failed is reset, but its connection goes back to libcurl's pool, and the next call would die on
    /// it too when the server, or the way to it, is gone.
    private func quarantine(_ multi: CurlMulti) {
        guard !multi.isGivenUp else { return }
        multi.isGivenUp = true
        statistics.connectionsQuarantined += 1
    }

    private func findEarliestDeadline() {
        var earliest = queue.earliest(\.deadline)
        for multi in multis {
            for transfer in multi.transfers.values {
                guard let deadline = transfer.call?.deadline else { continue }
                earliest = min(earliest ?? deadline, deadline)
            }
        }
        earliestDeadline = earliest
    }
}

// MARK: - The end

extension CurlLoop {
    /// Fails every call that is left and frees everything of libcurl.
    private func stop() {
        for command in inbox {
            switch command {
            case .start(let call): fail(call, phase: .queued)
            case .cancel: break
            case .run(let job): CurlExecutor.runElsewhere(job)
            }
        }
        for call in queue.removeAll(where: { _ in true }) { fail(call, phase: .queued) }
        for multi in multis {
            for transfer in Array(multi.transfers.values) {
                let phase = transfer.phase
                if let call = detach(transfer, startsNext: false) { fail(call, phase: phase) }
            }
        }
        inbox = []
        idleTransfers = []
        multis = []
        headerLists = CurlHeaderLists()
        statistics.queued = 0
        statistics.inFlight = 0
        resumeEnded()
        mailbox.didClose(statistics: statistics)
    }

    private func fail(_ call: CurlCall, phase: TransportError.Phase) {
        end(call, .failure(TransportError.transportClosed(phase: phase)))
    }
}
