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

    /// Separates a finished transfer from its call, removes it from libcurl and starts the next waiting call.
    ///
    /// - Returns: The call of the transfer, for ``end(_:_:)``.
    mutating func detach(_ transfer: CurlTransfer) -> CurlCall? {
        guard let (call, multi) = release(transfer) else { return nil }
        if let multi {
            multi.remove(transfer)
            vacate(transfer, origin: call.request.origin)
        }
        return call
    }

    /// The same for a call that is cancelled or has timed out. Its transfer is removed after the caller was resumed, because
    /// that takes longer than everything else about ending the call.
    mutating func detachEarly(_ transfer: CurlTransfer) -> CurlCall? {
        guard let (call, multi) = release(transfer) else { return nil }
        multi?.letLeave(transfer, origin: call.request.origin)
        return call
    }

    /// Takes the call from a transfer.
    ///
    /// - Returns: The call, and the multi handle from which the transfer is to be removed: `nil` when its name is being
    ///   resolved, so that it has to stay.
    private mutating func release(_ transfer: CurlTransfer) -> (CurlCall, CurlMulti?)? {
        guard let multi = transfer.multi, let call = transfer.takeCall() else { return nil }
        if transfer.progress.isResolving {
            abandon(transfer, of: call, in: multi)
            return (call, nil)
        }
        statistics.connectionsOpened += transfer.easy.long(CURLINFO_NUM_CONNECTS)
        return (call, multi)
    }

    /// Removes transfers whose calls have ended, the oldest first: an eighth of them at least, so that their number stays
    /// bounded, and more until a command is posted.
    mutating func removeLeaving() {
        for multi in multis where !multi.leaving.isEmpty {
            let least = max(4, multi.leaving.count / 8)
            var count = 0
            for ended in multi.leaving {
                multi.removeLeaving(ended.transfer)
                vacate(ended.transfer, origin: ended.origin)
                count += 1
                if count >= least, mailbox.hasCommands { break }
            }
            multi.leaving.removeFirst(count)
        }
    }

    /// Keeps a removed transfer for another call, and starts the call that waits for its place.
    private mutating func vacate(_ transfer: CurlTransfer, origin: String) {
        queue.finish(origin: origin)
        recycle(transfer)
        startWaiting(origin: origin)
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
