import StacksTransport

extension CurlLoop {
    /// Fails every call that is left and frees everything of libcurl.
    func stop() {
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

    func fail(_ call: CurlCall, phase: TransportError.Phase) {
        end(call, .failure(TransportError.transportClosed(phase: phase)))
    }
}
