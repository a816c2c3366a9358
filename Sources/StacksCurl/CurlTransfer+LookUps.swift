import CLibcurl
import StacksTransport

/// What tells the loop that a name is being looked up, where libcurl would wait for that.
extension CurlTransfer {
    /// Has libcurl say when it begins to look a name up
    /// (<https://curl.se/libcurl/c/CURLOPT_RESOLVER_START_FUNCTION.html>).
    func setLookUpCallback() throws(TransportError) {
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        try unsafe easy.set(CURLOPT_RESOLVER_START_DATA, pointer: context)
        _ = unsafe stacks_easy_set_resolver_start_callback(easy.pointer) { _, _, context in
            unsafe CurlTransfer.behind(context) { $0.mayLookUp() ? 0 : 1 }
        }
    }

    private func mayLookUp() -> Bool {
        guard call != nil else { return false }
        progress.isResolving = true
        progress.lookUpBegan = multi?.now
        return true
    }

    /// Puts libcurl's own connect time-out off, so that it does not end the look-up that goes on.
    func putOffConnectTimeout(to timeout: Duration) {
        hasLongConnectTimeout = true
        try? easy.set(CURLOPT_CONNECTTIMEOUT_MS, timeout.wholeMilliseconds)
    }
}
