import CLibcurl
import StacksTransport

/// The workaround for libcurl before 7.87, and for 8.16. Before 7.87, when a transfer is removed, or reaches its connect
/// timeout, while a thread resolves its name, libcurl waits for that thread and blocks the loop. 8.16 cancels the thread, which
/// may leave the system's resolver locked. So the call ends, but the transfer stays in libcurl until the resolution ends. It
/// then opens no socket, and is reclaimed.
///
/// Until then, it keeps its place in the queue, so that the number of abandoned transfers is limited like that of calls in
/// flight.
extension CurlLoop {
    /// Separates a call from its transfer, and keeps the transfer in libcurl.
    mutating func abandon(_ transfer: CurlTransfer, of call: CurlCall, in multi: CurlMulti) {
        postponeConnectTimeout(of: transfer)
        multi.abandon(transfer, origin: call.request.origin)
    }

    /// Removes an abandoned transfer that libcurl has finished.
    mutating func reclaim(_ transfer: CurlTransfer) {
        for multi in multis {
            guard let origin = multi.reclaim(transfer) else { continue }
            queue.finish(origin: origin)
            startWaiting(origin: origin)
        }
    }

    /// Removes all transfers: the abandoned ones when their resolutions have ended. Call it when all calls have ended.
    mutating func awaitResolutions() {
        nextResolutionCheck = nil
        // All of them, because no command is posted any more.
        removeLeaving()
        endTurn()
        while multis.contains(where: { !$0.abandoned.isEmpty }) {
            // Never due, but no sleep is longer than with calls in flight.
            earliestDeadline = .now + Self.longestResolution
            ready.removeAll()
            pollSockets(sleeps: true)
            takeTime()
            drive()
        }
    }

    /// Schedules a check of a new call before its connect timeout.
    mutating func scheduleResolutionCheck() {
        guard library.mustAwaitResolution else { return }
        let check = now + resolutionPatience
        nextResolutionCheck = min(nextResolutionCheck ?? check, check)
    }

    /// Ends the calls whose connect timeout passes during a name resolution. The loop takes over the timeout from libcurl
    /// only for such calls, because libcurl's option also limits the time for each of several addresses.
    mutating func checkResolutions() {
        guard let check = nextResolutionCheck, check <= now else { return }
        nextResolutionCheck = nil
        for multi in multis {
            for transfer in multi.transfers {
                scheduleResolutionCheck()
                guard let began = transfer.progress.resolutionBegan else { continue }
                if transfer.progress.isResolving, began + resolutionPatience <= now {
                    postponeConnectTimeout(of: transfer)
                }
                guard transfer.progress.isResolving || transfer.hasLongConnectTimeout else { continue }
                let next = began + (transfer.hasLongConnectTimeout ? configuration.connectTimeout : resolutionPatience)
                if next > now {
                    nextResolutionCheck = min(nextResolutionCheck ?? next, next)
                } else {
                    let error = TransportError.connectTimeout(configuration.connectTimeout, phase: transfer.phase)
                    if let call = detach(transfer) { end(call, .failure(error)) }
                }
            }
        }
    }

    private func postponeConnectTimeout(of transfer: CurlTransfer) {
        transfer.postponeConnectTimeout(to: max(Self.longestResolution, configuration.connectTimeout))
    }

    /// The part of the connect timeout after which the loop takes it over for a running resolution.
    private var resolutionPatience: Duration { configuration.connectTimeout * 3 / 4 }

    /// libcurl's connect timeout for an abandoned transfer. It is longer than the system's resolver takes: libcurl would then
    /// block on the resolution or cancel it.
    private static var longestResolution: Duration { .seconds(3600) }
}

/// The callback that tells the loop about name resolutions, where they must be awaited.
extension CurlTransfer {
    /// Makes libcurl report the start of each resolution
    /// (<https://curl.se/libcurl/c/CURLOPT_RESOLVER_START_FUNCTION.html>).
    func setResolverCallback() throws(TransportError) {
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        try unsafe easy.set(CURLOPT_RESOLVER_START_DATA, pointer: context)
        _ = unsafe stacks_easy_set_resolver_start_callback(easy.pointer) { _, _, context in
            unsafe CurlTransfer.behind(context) { $0.mayResolve() ? 0 : 1 }
        }
    }

    private func mayResolve() -> Bool {
        guard call != nil else { return false }
        progress.isResolving = true
        progress.resolutionBegan = multi?.now
        return true
    }

    /// Postpones libcurl's connect timeout, so that libcurl does not end a running resolution.
    func postponeConnectTimeout(to timeout: Duration) {
        hasLongConnectTimeout = true
        try? easy.set(CURLOPT_CONNECTTIMEOUT_MS, timeout.wholeMilliseconds)
    }
}
