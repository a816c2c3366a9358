import CLibcurl
import StacksTransport

/// A transfer whose call has ended while its name was being looked up.
struct Orphan {
    let transfer: CurlTransfer
    /// The origin in whose lane of the queue it still takes a place.
    let origin: String
}

/// What libcurl before 7.87 makes necessary. When a transfer is removed, or runs into the connect time-out, while its
/// name is being looked up, libcurl waits for the thread that does it, and with it every call on this loop. So the call
/// ends, and the transfer stays with libcurl until the look-up is over: it then opens no socket, and is taken back.
///
/// Until then it keeps its place in the queue, so there are never more of them than calls may be in flight.
extension CurlLoop {
    /// Ends a call's part in a transfer, but not the transfer.
    mutating func leave(_ transfer: CurlTransfer, of call: CurlCall, to multi: CurlMulti) {
        putOffConnectTimeout(of: transfer)
        multi.leave(transfer, id: call.id, origin: call.request.origin)
    }

    /// Takes back a transfer that was left to libcurl, which is done with it.
    mutating func bury(_ transfer: CurlTransfer) {
        for multi in multis {
            guard let origin = multi.bury(transfer) else { continue }
            queue.finish(origin: origin)
            startWaiting(origin: origin)
        }
    }

    /// Sees to it that a call which has been given to libcurl is looked at before its connect time-out.
    mutating func expectLookUp() {
        guard library.waitsForLookUps else { return }
        let check = now + lookUpPatience
        nextLookUpCheck = min(nextLookUpCheck ?? check, check)
    }

    /// Ends the calls whose connect time-out passes while a name is looked up. This takes it over from libcurl in time:
    /// for the rest of it, as it also says how long one of several addresses may take.
    mutating func checkLookUps() {
        guard let check = nextLookUpCheck, check <= now else { return }
        nextLookUpCheck = nil
        for multi in multis {
            for transfer in Array(multi.transfers.values) {
                expectLookUp()
                guard let began = transfer.progress.lookUpBegan else { continue }
                if transfer.progress.isResolving, began + lookUpPatience <= now {
                    putOffConnectTimeout(of: transfer)
                }
                guard transfer.progress.isResolving || transfer.hasLongConnectTimeout else { continue }
                let next = began + (transfer.hasLongConnectTimeout ? configuration.connectTimeout : lookUpPatience)
                if next > now {
                    nextLookUpCheck = min(nextLookUpCheck ?? next, next)
                } else {
                    let error = TransportError.connectTimeout(configuration.connectTimeout, phase: transfer.phase)
                    if let call = detach(transfer) { end(call, .failure(error)) }
                }
            }
        }
    }

    private func putOffConnectTimeout(of transfer: CurlTransfer) {
        transfer.putOffConnectTimeout(to: max(Self.longestLookUp, configuration.connectTimeout))
    }

    /// After how much of the connect time-out a look-up that still goes on is taken over.
    private var lookUpPatience: Duration { configuration.connectTimeout * 3 / 4 }

    /// The longest that libcurl is given for a look-up that nobody waits for: what its own connect time-out is when
    /// nobody sets it, and longer than the system's resolver takes.
    private static var longestLookUp: Duration { .seconds(300) }
}
