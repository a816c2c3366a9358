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
    private static var maximumHeaderSize: Int { 256 * 1024 }

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
        // A socket is not for the programs that this process starts: an agent would inherit the connection.
        try unsafe easy.set(CURLOPT_SOCKOPTDATA, pointer: context)
        _ = unsafe stacks_easy_set_socket_option_callback(easy.pointer) { context, socket, _ in
            _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
            return unsafe CurlTransfer.behind(context) { $0.mayConnect(socket) ? 0 : 1 }
        }
    }

    /// libcurl is about to connect: it has found the name, if it looked one up.
    private func mayConnect(_ socket: curl_socket_t) -> Bool {
        progress.isResolving = false
        multi?.connectedSockets.note(socket)
        return call != nil
    }

    /// Lends `body` the transfer behind a callback's context, which is the object itself: it outlives its easy handle,
    /// and the loop holds it while libcurl is driven, so no reference needs to be counted.
    static func behind<Result>(
        _ context: UnsafeMutableRawPointer?, _ body: (CurlTransfer) -> Result
    ) -> Result {
        unsafe Unmanaged<CurlTransfer>.fromOpaque(context!)._withUnsafeGuaranteedRef { body($0) }
    }

    /// The transfer behind the context that a finished easy handle tells.
    static func from(_ context: UnsafeMutableRawPointer?) -> CurlTransfer {
        unsafe Unmanaged<CurlTransfer>.fromOpaque(context!).takeUnretainedValue()
    }

    /// libcurl is about to write the request on a connection
    /// (<https://curl.se/libcurl/c/CURLOPT_PREREQFUNCTION.html>).
    ///
    /// It gets here a second time when a reused connection died before a byte of the answer came, and it means to repeat
    /// the request on another one. That is what a request that must not be repeated is kept from.
    private func mayWriteRequest(localPort: Int32, remotePort: Int32) -> Bool {
        if progress.isSending, call?.request.replay == .never {
            progress.replayWasRefused = true
            return false
        }
        if !progress.isSending, easy.long(CURLINFO_NUM_CONNECTS) == 0,
            connectionIsStale(localPort: localPort, remotePort: remotePort)
        {
            progress.connectionWasStale = true
            // Without this, libcurl would keep the connection for the next call.
            try? easy.set(CURLOPT_FORBID_REUSE, 1)
            return false
        }
        progress.isSending = true
        progress.isResolving = false
        progress.lookUpBegan = nil
        progress.sentAt = multi?.now
        progress.localPort = localPort
        gatherWrites(remotePort: remotePort)
        return call != nil
    }

    /// Has this request leave together with what else is written in this turn of the loop, where that saves a segment:
    /// over HTTP/1.1 a request is written whole, and on a connection of its own.
    private func gatherWrites(remotePort: Int32) {
        guard let multi, !isAlone, isPlaintext != true, call?.request.body != nil || multi.transfers.count > 1,
            !multi.gatheredWrites.includes(localPort: progress.localPort),
            let socket = multi.connectedSockets.socket(localPort: progress.localPort, remotePort: remotePort)
        else { return }
        multi.gatheredWrites.begin(socket, localPort: progress.localPort)
    }

    /// Whether a connection that is to be used again has something on it that should not be there.
    ///
    /// An HTTP/2 connection is looked at only after a pause, or for a request that libcurl may not repeat: the look costs
    /// system calls, and calls follow each other. (libcurl looks too, but 8.0 to 8.5 miss a server that went away without
    /// a word of TLS.)
    private func connectionIsStale(localPort: Int32, remotePort: Int32) -> Bool {
        guard let multi, canBeginAnew, isAlone || multi.hasPaused || mustNotBeLost(on: multi) else { return false }
        switch multi.connectedSockets.input(localPort: localPort, remotePort: remotePort) {
        case .none: return false
        case .bytes: return isAlone
        case .end: return true
        }
    }

    private func mustNotBeLost(on multi: CurlMulti) -> Bool {
        call?.request.replay == .never && multi.transfers.count == 1
    }

    private func receiveHeader(_ line: UnsafeBufferPointer<UInt8>) -> Int {
        noteReceipt()
        return unsafe progress.receiveHeader(line, upTo: Self.maximumHeaderSize) ? line.count : 0
    }

    private func receiveBody(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
        noteReceipt()
        if progress.answer.body.isEmpty, progress.answer.body.capacity < bytes.count {
            let announced = easy.large(CURLINFO_CONTENT_LENGTH_DOWNLOAD_T)
            progress.answer.body.reserveCapacity(min(max(announced, bytes.count), maximumResponseSize))
        }
        return unsafe progress.receiveBody(bytes, upTo: maximumResponseSize) ? bytes.count : 0
    }

    /// Notes once in a turn of the loop that something has come.
    private func noteReceipt() {
        guard let multi, progress.receivedIn != multi.turn else { return }
        progress.receivedIn = multi.turn
        multi.noteReceipt(onPort: progress.localPort)
    }
}

extension CurlTransfer.Progress {
    fileprivate mutating func receiveHeader(_ line: UnsafeBufferPointer<UInt8>, upTo limit: Int) -> Bool {
        // An interim answer (1xx) or a proxy's answer to CONNECT comes before the real one, and is not kept.
        if unsafe line.first == UInt8(ascii: "H"), unsafe line.starts(with: "HTTP/".utf8) {
            answer.header.removeAll(keepingCapacity: true)
            hasWholeHeader = false
        }
        // What libcurl takes for the end of a header. It hands over no line that has not come to its end.
        if unsafe line.first == UInt8(ascii: "\r") || line.first == UInt8(ascii: "\n") {
            hasWholeHeader = answer.header.statusCode.map { $0 >= 200 } ?? true
        }
        isTooLarge = answer.header.count + line.count > limit
        if isTooLarge { return false }
        unsafe answer.header.append(contentsOf: line)
        return true
    }

    fileprivate mutating func receiveBody(_ bytes: UnsafeBufferPointer<UInt8>, upTo limit: Int) -> Bool {
        isTooLarge = answer.body.count + bytes.count > limit
        if isTooLarge { return false }
        unsafe answer.body.append(contentsOf: bytes)
        return true
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// The bytes that libcurl hands to a callback as characters.
    fileprivate init(_ characters: UnsafeMutablePointer<CChar>?, count: Int) {
        let bytes = unsafe UnsafeRawPointer(characters)?.assumingMemoryBound(to: UInt8.self)
        unsafe self.init(start: bytes, count: count)
    }
}
