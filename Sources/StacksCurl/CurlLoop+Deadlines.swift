import CLibcurl
import StacksTransport

extension CurlLoop {
    /// Ends the calls whose deadline has passed.
    mutating func expireCalls() {
        guard let earliest = earliestDeadline, earliest <= now else { return }
        for call in queue.removeAll(where: { $0.deadline <= now }) {
            end(call, .failure(TransportError.deadlineExceeded(phase: .queued)))
        }
        for multi in multis {
            let expired = multi.transfers.filter { $0.call.map { $0.deadline <= now } ?? false }
            if expired.contains(where: { isDead($0, of: multi) }) { quarantine(multi) }
            for transfer in expired {
                let error = TransportError.deadlineExceeded(phase: transfer.phase)
                if let call = detachEarly(transfer) { end(call, .failure(error)) }
            }
        }
        findEarliestDeadline()
    }

    /// How long a connection may be silent during a call. After that, a call that times out or is cancelled counts the
    /// connection as dead.
    static var longestSilence: Duration { .seconds(5) }

    /// Whether the connection of a call whose deadline has passed looks dead, rather than the response being slow: nothing
    /// has arrived since the request was written, or for ``longestSilence``.
    private func isDead(_ transfer: CurlTransfer, of multi: CurlMulti) -> Bool {
        guard let sentAt = transfer.progress.sentAt else { return false }
        return multi.isSilent(transfer, for: min(Self.longestSilence, now - sentAt))
    }

    /// Takes a multi handle out of use for new calls, which get new connections. Its connections close after their last
    /// call.
    ///
    /// libcurl resets a stream that timed out or failed, but keeps its connection in the pool. If the server is
    /// unreachable, the next call would fail on it too.
    mutating func quarantine(_ multi: CurlMulti) {
        guard !multi.isRetired else { return }
        multi.isRetired = true
        statistics.connectionsQuarantined += 1
    }

    mutating func findEarliestDeadline() {
        var earliest = queue.earliest(\.deadline)
        for (call, _) in restarting { earliest = min(earliest ?? call.deadline, call.deadline) }
        for multi in multis {
            for transfer in multi.transfers {
                guard let deadline = transfer.call?.deadline else { continue }
                earliest = min(earliest ?? deadline, deadline)
            }
        }
        earliestDeadline = earliest
    }
}
