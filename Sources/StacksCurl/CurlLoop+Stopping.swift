import CLibcurl
import StacksTransport

extension CurlLoop {
    /// Fails all remaining calls and frees all of libcurl's resources.
    mutating func stop() {
        for command in inbox {
            switch command {
            case .start(let call): fail(call, phase: .queued)
            case .cancel: break
            case .run(let job): CurlExecutor.runElsewhere(job)
            }
        }
        for (call, _) in restarting { fail(call, phase: .queued) }
        for call in queue.removeAll(where: { _ in true }) { fail(call, phase: .queued) }
        for multi in multis {
            for transfer in multi.transfers {
                let phase = transfer.phase
                if let call = detachEarly(transfer) { fail(call, phase: phase) }
            }
        }
        inbox = []
        restarting = []
        _ = collect(maySleep: false)
        // The callers do not wait for the rest.
        resumeEnded()
        awaitResolutions()
        multis = []
        idleTransfers = []
        headerLists = CurlHeaderLists()
        mailbox.didClose(statistics: statistics)
    }

    mutating func fail(_ call: CurlCall, phase: TransportError.Phase) {
        end(call, .failure(TransportError.transportClosed(phase: phase)))
    }
}
