import CLibcurl
import StacksTransport

extension CurlLoop {
    mutating func enqueue(_ call: CurlCall) {
        earliestDeadline = min(earliestDeadline ?? call.deadline, call.deadline)
        if queue.add(call, id: call.id, origin: call.request.origin) { start(call) }
    }

    /// Hands a call to libcurl, or fails it. The queue counts it as in flight already.
    ///
    /// - Parameter restarts: How often the call was restarted because its connection was stale.
    mutating func start(_ call: CurlCall, restarts: Int = 0) {
        do {
            // On an open connection, libcurl would write the request before the loop checks the deadlines.
            guard call.deadline > now else { throw TransportError.deadlineExceeded(phase: .queued) }
            let multi = try activeMulti()
            let transfer = try idleTransfers.popLast() ?? CurlTransfer(configuration: configuration, library: library)
            do {
                try transfer.prepare(
                    call, headers: headerLists.list(for: call.request),
                    isExclusive: usesHTTP1(call.request.origin),
                    mayRestart: restarts < configuration.maximumConnectionsPerHost)
                transfer.restarts = restarts
                let result = multi.add(transfer)
                guard result == CURLM_OK else {
                    throw TransportError(
                        code: .other, phase: .queued,
                        message: "libcurl rejected the call: \(unsafe String(cString: curl_multi_strerror(result)))")
                }
                scheduleResolutionCheck()
            } catch {
                recycle(transfer)
                throw error
            }
        } catch {
            queue.finish(origin: call.request.origin)
            end(call, .failure(error))
        }
    }

    mutating func activeMulti() throws(TransportError) -> CurlMulti {
        if let multi = multis.last, !multi.isRetired {
            if now - multi.createdAt < configuration.maximumConnectionLifetime { return multi }
            // libcurl checks the age of idle connections only: one that is always in use would never be replaced.
            multi.isRetired = true
        }
        let multi = try CurlMulti(configuration: configuration, library: library, turn: tick, now: now)
        multis.append(multi)
        return multi
    }

    /// Removes a transfer from libcurl and starts the next waiting call.
    ///
    /// - Returns: The call of the transfer, for ``end(_:_:)``.
    mutating func detach(_ transfer: CurlTransfer) -> CurlCall? {
        guard let multi = transfer.multi, let call = transfer.takeCall() else { return nil }
        remove(transfer, of: call, from: multi)
        return call
    }

    /// The same for a call that ends before its transfer does, which is removed later.
    mutating func detachEarly(_ transfer: CurlTransfer) -> CurlCall? {
        transfer.gatherReset()
        guard let multi = transfer.multi, let call = transfer.takeCall() else { return nil }
        removals.append((transfer, call, multi))
        return call
    }

    /// Removes transfers of calls that have ended until there is something else to do, and so many in any case that their
    /// number does not grow.
    mutating func removeSome() {
        var least = max(4, removals.count / 8)
        while let (transfer, call, multi) = removals.popLast() {
            remove(transfer, of: call, from: multi)
            least -= 1
            if least <= 0, mailbox.hasCommands { return }
        }
    }

    private mutating func remove(_ transfer: CurlTransfer, of call: CurlCall, from multi: CurlMulti) {
        if transfer.progress.isResolving { return abandon(transfer, of: call, in: multi) }
        statistics.connectionsOpened += transfer.easy.long(CURLINFO_NUM_CONNECTS)
        multi.remove(transfer)
        queue.finish(origin: call.request.origin)
        recycle(transfer)
        startWaiting(origin: call.request.origin)
    }

    mutating func recycle(_ transfer: CurlTransfer) {
        _ = transfer.takeCall()
        transfer.dropResponse()
        if !transfer.hasLongConnectTimeout, idleTransfers.count < configuration.maximumConcurrentStreams {
            idleTransfers.append(transfer)
        }
    }

    mutating func startWaiting(origin: String) {
        while let next = queue.next(origin: origin) { start(next) }
    }

    mutating func cancel(_ call: CurlCall) {
        let found: CurlCall?
        if let transfer = unsafe call.transfer {
            // Callers with a timeout of their own cancel, so a silent connection is treated as at a deadline.
            if let multi = transfer.multi, multi.isSilent(transfer, for: Self.longestSilence) { quarantine(multi) }
            found = detachEarly(transfer)
        } else {
            found = queue.remove(call.id)
        }
        if let found { end(found, .failure(CancellationError())) }
    }

    /// Ends a call that the mailbox accepted: every such call ends here. Its caller is resumed later in the turn.
    mutating func end(_ call: CurlCall, _ outcome: consuming CurlCall.Outcome) {
        switch outcome {
        case .success: statistics.completed += 1
        case .failure(is CancellationError): statistics.cancelled += 1
        case .failure: statistics.failed += 1
        }
        if let caller = call.settle(outcome) { ended.append(caller) }
    }

    mutating func resumeEnded() {
        guard !ended.isEmpty else { return }
        for caller in ended { caller.resume() }
        ended.removeAll(keepingCapacity: true)
    }
}
