import CLibcurl
import StacksTransport

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

extension CurlTransfer {
    static var maximumHeaderSize: Int { 256 * 1024 }

    func setCallbacks() throws(TransportError) {
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        try unsafe easy.set(CURLOPT_PRIVATE, pointer: context)
        try unsafe easy.set(CURLOPT_ERRORBUFFER, pointer: UnsafeMutableRawPointer(errorText))
        try unsafe easy.set(CURLOPT_WRITEDATA, pointer: context)
        try unsafe easy.set(CURLOPT_HEADERDATA, pointer: context)
        try unsafe easy.set(CURLOPT_PREREQDATA, pointer: context)
        _ = unsafe stacks_easy_set_data_callback(easy.pointer, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
            unsafe CurlTransfer.behind(context) { transfer in
                unsafe transfer.receiveBody(UnsafeBufferPointer(bytes, count: size * count))
            }
        }
        _ = unsafe stacks_easy_set_data_callback(easy.pointer, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
            unsafe CurlTransfer.behind(context) { transfer in
                unsafe transfer.receiveHeader(UnsafeBufferPointer(bytes, count: size * count))
            }
        }
        _ = unsafe stacks_easy_set_prereq_callback(easy.pointer) { context, _, _, remotePort, localPort in
            unsafe CurlTransfer.behind(context) { transfer in
                transfer.mayWriteRequest(localPort: localPort, remotePort: remotePort)
                    ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
            }
        }
        // Child processes must not inherit the connection.
        try unsafe easy.set(CURLOPT_SOCKOPTDATA, pointer: context)
        _ = unsafe stacks_easy_set_socket_option_callback(easy.pointer) { context, socket, _ in
            _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
            return unsafe CurlTransfer.behind(context) { $0.mayConnect(socket) ? 0 : 1 }
        }
    }

    /// libcurl is about to connect, after it has resolved the name.
    private func mayConnect(_ socket: curl_socket_t) -> Bool {
        progress.isResolving = false
        multi?.connectedSockets.note(socket)
        return call != nil
    }

    /// Calls `body` with the transfer of a callback's context, without retaining it: it outlives its easy handle, and the
    /// loop holds a reference while libcurl runs.
    static func behind<Result>(
        _ context: UnsafeMutableRawPointer?, _ body: (CurlTransfer) -> Result
    ) -> Result {
        unsafe Unmanaged<CurlTransfer>.fromOpaque(context!)._withUnsafeGuaranteedRef { body($0) }
    }

    /// The transfer of a finished easy handle's context.
    static func from(_ context: UnsafeMutableRawPointer?) -> CurlTransfer {
        unsafe Unmanaged<CurlTransfer>.fromOpaque(context!).takeUnretainedValue()
    }

    /// libcurl is about to write the request (<https://curl.se/libcurl/c/CURLOPT_PREREQFUNCTION.html>).
    ///
    /// libcurl calls this a second time when a reused connection was closed before the first byte of the response, and it
    /// retries the request on another connection. A request that must not be repeated is aborted then.
    private func mayWriteRequest(localPort: Int32, remotePort: Int32) -> Bool {
        if progress.isSending, call?.request.replay == .never {
            progress.replayWasRefused = true
            return false
        }
        if !progress.isSending, easy.long(CURLINFO_NUM_CONNECTS) == 0,
            connectionIsStale(localPort: localPort, remotePort: remotePort)
        {
            progress.connectionWasStale = true
            // Otherwise libcurl would keep the connection in its pool.
            try? easy.set(CURLOPT_FORBID_REUSE, 1)
            return false
        }
        progress.isSending = true
        progress.isResolving = false
        progress.resolutionBegan = nil
        progress.sentAt = multi?.now
        progress.localPort = localPort
        progress.remotePort = remotePort
        multi?.willWriteRequest()
        // A lone request without a body is written in one piece.
        if let multi, call?.request.body != nil || multi.transfers.count > 1 { gatherWrites(on: multi) }
        return call != nil
    }

    /// The transfer is about to be removed before its end, for which libcurl resets an open stream. Coalesces that with other
    /// resets.
    func gatherReset(on multi: CurlMulti) {
        if progress.isSending { gatherWrites(on: multi) }
    }

    /// Coalesces what is written for this call with the other writes of this turn, where that saves a segment: over HTTP/1.1,
    /// libcurl writes a request in one piece, on a connection that no other call uses.
    private func gatherWrites(on multi: CurlMulti) {
        guard !isExclusive, isPlaintext != true,
            !multi.gatheredWrites.includes(localPort: progress.localPort),
            let socket = multi.connectedSockets.socket(
                localPort: progress.localPort, remotePort: progress.remotePort)
        else { return }
        multi.gatheredWrites.begin(socket, localPort: progress.localPort)
    }

    /// Whether a connection that libcurl is about to reuse has ended, or has unsolicited input.
    ///
    /// An HTTP/2 connection is checked only after a pause, or for a request that must not be repeated, because the check
    /// takes system calls. (libcurl checks too, but 8.0 to 8.5 miss a connection that ended without a TLS alert, and from 8.22 on,
    /// it checks at most once a second.)
    private func connectionIsStale(localPort: Int32, remotePort: Int32) -> Bool {
        guard let multi, mayRestart, isExclusive || multi.hasPaused || mustNotBeLost(on: multi) else { return false }
        switch multi.connectedSockets.input(localPort: localPort, remotePort: remotePort) {
        case .none: return false
        case .bytes: return isExclusive
        case .end: return true
        }
    }

    private func mustNotBeLost(on multi: CurlMulti) -> Bool {
        call?.request.replay == .never && multi.transfers.count == 1
    }

    private func receiveHeader(_ line: UnsafeBufferPointer<UInt8>) -> Int {
        noteReceipt()
        switch unsafe line.first {
        // Interim responses (1xx) precede the final response, and are dropped.
        case UInt8(ascii: "H") where unsafe line.count >= 5 && memcmp(line.baseAddress!, "HTTP/", 5) == 0:
            header.value.removeAll()
            progress.hasCompleteHeader = false
        // The empty line that ends a header. From 8.22 on, libcurl also calls back with a line that was cut off when the
        // connection was closed.
        case UInt8(ascii: "\r") where unsafe line.last == UInt8(ascii: "\n"), UInt8(ascii: "\n"):
            progress.status = unsafe header.value.bytes.statusCode
            progress.hasCompleteHeader = progress.status.map { $0 >= 200 } ?? true
        default: break
        }
        guard header.value.count + line.count <= Self.maximumHeaderSize else {
            progress.exceededLimit = .header
            return 0
        }
        unsafe header.value.append(line)
        return line.count
    }

    private func receiveBody(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
        noteReceipt()
        if progress.response.body.isEmpty, progress.response.body.capacity < bytes.count {
            let announced = easy.large(CURLINFO_CONTENT_LENGTH_DOWNLOAD_T)
            progress.response.body.reserveCapacity(min(max(announced, bytes.count), maximumResponseSize))
        }
        return unsafe progress.receiveBody(bytes, upTo: maximumResponseSize) ? bytes.count : 0
    }

    /// Records, once per turn, that bytes have arrived.
    @inline(__always)
    private func noteReceipt() {
        guard let multi, progress.receivedIn != multi.turn else { return }
        progress.receivedIn = multi.turn
        multi.noteReceipt(onPort: progress.localPort)
    }
}

extension CurlTransfer.Progress {
    fileprivate mutating func receiveBody(_ bytes: UnsafeBufferPointer<UInt8>, upTo limit: Int) -> Bool {
        guard response.body.count + bytes.count <= limit else {
            exceededLimit = .body
            return false
        }
        unsafe response.body.append(contentsOf: bytes)
        return true
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// The bytes that libcurl passes to a callback as characters.
    fileprivate init(_ characters: UnsafeMutablePointer<CChar>?, count: Int) {
        let bytes = unsafe UnsafeRawPointer(characters)?.assumingMemoryBound(to: UInt8.self)
        unsafe self.init(start: bytes, count: count)
    }
}
