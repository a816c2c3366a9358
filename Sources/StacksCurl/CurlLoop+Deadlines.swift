import CLibcurl
import StacksTransport

extension CurlLoop {
    /// Ends the calls whose deadline has passed.
    mutating func expireCalls() {
        guard let earliest = earliestDeadline, earliest <= now else { return }
        for call in queue.removeAll(where: { $0.deadline <= now }) {
            end(call, .failure(TransportError.deadlineExceeded(phase: .queued)))
        }
        var origins: Set<String> = []
        for multi in multis {
            let expired = multi.transfers.values.filter { $0.call.map { $0.deadline <= now } ?? false }
            if expired.contains(where: { isDead($0, of: multi) }) { quarantine(multi) }
            for transfer in expired {
                let error = TransportError.deadlineExceeded(phase: transfer.phase)
                guard let call = detach(transfer, startsNext: false) else { continue }
                origins.insert(call.request.origin)
                end(call, .failure(error))
            }
        }
        for origin in origins { startWaiting(origin: origin) }
        findEarliestDeadline()
    }

    /// For how long a connection may be silent, while an answer is awaited, before a call that gives up takes it for dead.
    static var longestSilence: Duration { .seconds(5) }

    /// Whether a call whose deadline has passed was let down by its connection, and not by a slow answer alone: nothing
    /// came on it in all the time since the request was written, or for long.
    private func isDead(_ transfer: CurlTransfer, of multi: CurlMulti) -> Bool {
        guard let sentAt = transfer.progress.sentAt else { return false }
        return multi.isSilent(transfer, for: min(Self.longestSilence, now - sentAt))
    }

    /// Stops using a multi handle's connections: the next call goes out on a new one, and the old ones are closed when
    /// the last call on them has ended.
    ///
    /// A stream that timed out or failed is reset, but its connection goes back to libcurl's pool, and the next call
    /// would die on it too when the server, or the way to it, is gone.
    mutating func quarantine(_ multi: CurlMulti) {
        guard !multi.isGivenUp else { return }
        multi.isGivenUp = true
        statistics.connectionsQuarantined += 1
    }

    mutating func findEarliestDeadline() {
        var earliest = queue.earliest(\.deadline)
        for (call, _) in restarting { earliest = min(earliest ?? call.deadline, call.deadline) }
        for multi in multis {
            for transfer in multi.transfers.values {
                guard let deadline = transfer.call?.deadline else { continue }
                earliest = min(earliest ?? deadline, deadline)
            }
        }
        earliestDeadline = earliest
    }
}
