import CLibcurl
import HTTPTypes
import StacksTransport

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Owns one easy handle, which carries one call at a time and then the next one.
///
/// What does not change from call to call is set once; between calls the handle keeps its buffers and TLS sessions, and
/// the multi handle its name look-ups and connections.
@safe final class CurlTransfer {
    let easy: EasyHandle
    /// The multi handle that works on it, for as long as it does.
    var multi: CurlMulti?
    private(set) var call: CurlCall?
    /// How often the call was kept off a stale connection before.
    var restarts = 0
    private let observed = IOCell(Progress())
    var progress: Progress {
        @inline(__always) _read { yield observed.value }
        @inline(__always) _modify { yield &observed.value }
    }
    /// Whether libcurl's connect time-out was put off, for the rest of this handle's life.
    var hasLongConnectTimeout = false

    /// What the callbacks have seen of the call.
    struct Progress {
        /// Whether libcurl was about to write the request: before that, no byte of it can have left.
        var isSending = false
        /// Whether a name is being looked up, where libcurl would wait for that when the transfer is removed.
        var isResolving = false
        /// The turn in which that look-up began.
        var lookUpBegan: Moment?
        /// Whether the request was about to be written again although it must not be repeated.
        var replayWasRefused = false
        /// Whether the request was kept off a connection on which something had arrived that nobody asked for.
        var connectionWasStale = false
        var isTooLarge = false
        /// The turn of the loop in which the request was first written.
        var sentAt: Moment?
        /// The turn in which anything came from the server last, by its number.
        var receivedIn: UInt64 = 0
        /// The local port of the connection, which tells it from the others.
        var localPort: Int32 = 0
        var answer = AnswerBuffers()
        var hasReceived: Bool { !answer.header.isEmpty }
    }

    private static var maximumHeaderSize: Int { 256 * 1024 }

    private let maximumResponseSize: Int
    private let errorText: UnsafeMutablePointer<CChar>
    private var url: [UInt8] = []
    /// The storage of the URL that is set next.
    private var nextURL: [UInt8] = []
    private var upload = UploadBuffer()
    private var headers: CurlHeaderList?
    private var isAlone = false
    private var canBeginAnew = false
    private var isPlaintext: Bool?
    private let httpVersion: CurlTransport.Configuration.HTTPVersion
    private var verb: (method: HTTPRequest.Method, hasBody: Bool)?

    init(configuration: CurlTransport.Configuration, library: CurlFeatures) throws(TransportError) {
        easy = try EasyHandle()
        maximumResponseSize = configuration.maximumResponseSize
        httpVersion = configuration.httpVersion
        unsafe errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        unsafe errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        try setCallbacks()
        if library.waitsForLookUps { try setLookUpCallback() }
        try configuration.apply(to: easy, library)
    }

    deinit {
        try? unsafe easy.set(CURLOPT_ERRORBUFFER, pointer: nil)
        unsafe errorText.deallocate()
    }

    /// Makes the handle ready for `call`.
    ///
    /// - Parameters:
    ///   - isAlone: Whether the server is known to carry one call at a time on a connection, so that an idle one has
    ///     nothing to say.
    ///   - canBeginAnew: Whether the call may be kept off a connection that looks stale.
    func prepare(
        _ call: CurlCall, headers: CurlHeaderList, isAlone: Bool, canBeginAnew: Bool
    ) throws(TransportError) {
        // Each field is named where it is: a copy of the request would count references for nothing.
        try setURL(call.request.origin, call.request.path)
        try setVerb(call.request.method, hasBody: call.request.body != nil)
        if let body = call.request.body { try setBody(body) }
        if self.headers !== headers {
            try easy.set(CURLOPT_HTTPHEADER, headers)
            self.headers = headers
        }
        try setPlaintext(call.request.isPlaintext)
        if progress.connectionWasStale { try easy.set(CURLOPT_FORBID_REUSE, 0) }
        self.call = call
        self.isAlone = isAlone
        self.canBeginAnew = canBeginAnew
        progress = Progress()
        progress.answer = call.takeBuffers()
        unsafe errorText[0] = 0
    }

    /// Ends the call: the caller resumes its continuation.
    func takeCall() -> CurlCall? {
        defer {
            call = nil
            multi = nil
        }
        return call
    }

    /// The answer, whose buffers leave this transfer.
    ///
    /// - Throws: `TransportError` when its status is none: libcurl before 8.0 takes any number for one.
    func takeResponse() throws(TransportError) -> TransportResponse {
        let answer = progress.answer
        progress.answer = AnswerBuffers()
        let status = easy.long(CURLINFO_RESPONSE_CODE)
        guard (100...999).contains(status) else {
            throw TransportError(
                code: .protocolViolation, phase: .receiving, message: "the answer has the status \(status)")
        }
        return TransportResponse(
            status: HTTPResponse.Status(code: status),
            headerFields: ResponseHeaderFields(lines: answer.header),
            body: answer.body,
            metrics: metrics
        )
    }

    /// Whether a transfer that ended in an error has brought the whole answer all the same.
    ///
    /// A server may answer, a refusal most often, and close the stream before it has read the request's body. libcurl
    /// then delivers the answer, goes on to send the body, and reports that the stream is gone, without a text.
    func isAnswered(inSpiteOf result: CURLcode) -> Bool {
        guard result == CURLE_HTTP2_STREAM, errorMessage.isEmpty, progress.hasReceived else { return false }
        let announced = easy.large(CURLINFO_CONTENT_LENGTH_DOWNLOAD_T)
        return announced < 0 || announced == easy.large(CURLINFO_SIZE_DOWNLOAD_T)
    }

    /// How far the call has come, by what the callbacks saw and libcurl's time stamps.
    var phase: TransportError.Phase {
        if progress.hasReceived { return .receiving }
        if progress.isSending {
            let sent = easy.large(CURLINFO_SIZE_UPLOAD_T)
            return sent < (call?.request.body?.count ?? 0) ? .sending : .waiting
        }
        if easy.large(CURLINFO_CONNECT_TIME_T) > 0 { return .securing }
        return easy.large(CURLINFO_NAMELOOKUP_TIME_T) > 0 ? .connecting : .resolving
    }

    /// What libcurl says went wrong, or nothing.
    var errorMessage: String { unsafe String(cString: errorText) }

    private var metrics: TransportMetrics {
        func time(_ info: CURLINFO) -> Duration { .microseconds(easy.large(info)) }
        return TransportMetrics(
            nameLookup: time(CURLINFO_NAMELOOKUP_TIME_T),
            connect: time(CURLINFO_CONNECT_TIME_T),
            tlsHandshake: time(CURLINFO_APPCONNECT_TIME_T),
            firstByte: time(CURLINFO_STARTTRANSFER_TIME_T),
            total: time(CURLINFO_TOTAL_TIME_T),
            reusedConnection: easy.long(CURLINFO_NUM_CONNECTS) == 0,
            httpVersion: TransportMetrics.HTTPVersion(curl: easy.long(CURLINFO_HTTP_VERSION))
        )
    }
}

// MARK: - The request

extension CurlTransfer {
    /// Sets the URL, unless it is that of the handle's last call.
    private func setURL(_ origin: String, _ path: String) throws(TransportError) {
        nextURL.removeAll(keepingCapacity: true)
        nextURL.append(contentsOf: origin.utf8)
        nextURL.append(contentsOf: path.utf8)
        nextURL.append(0)
        if nextURL == url { return }
        guard path.utf8.first == UInt8(ascii: "/"), nextURL.firstIndex(of: 0) == nextURL.count - 1,
            !nextURL.contains(UInt8(ascii: "#"))
        else {
            throw TransportError(code: .invalidRequest, phase: .queued, message: "the path of the URL is malformed")
        }
        url.removeAll(keepingCapacity: true)
        try easy.set(CURLOPT_URL, cString: nextURL)
        swap(&url, &nextURL)
    }

    /// Chooses the request's method. libcurl derives how a body is sent from the option that names the method last, so
    /// both are set together, and only when they change.
    private func setVerb(_ method: HTTPRequest.Method, hasBody: Bool) throws(TransportError) {
        if let verb, verb.method == method, verb.hasBody == hasBody { return }
        verb = nil
        let sendsLength = hasBody || method == .post || method == .put || method == .patch
        try easy.set(CURLOPT_NOBODY, method == .head ? 1 : 0)
        if method != .head {
            try easy.set(sendsLength ? CURLOPT_POST : CURLOPT_HTTPGET, 1)
        }
        if sendsLength, !hasBody { try setBody([]) }
        let isImplied = method == .head || method == (sendsLength ? .post : .get)
        try easy.set(CURLOPT_CUSTOMREQUEST, isImplied ? nil : method.rawValue)
        verb = (method, hasBody)
    }

    /// Chooses the version of HTTP by the URL's scheme: over plaintext there is only HTTP/1.1, and a call must not wait
    /// to see whether the connection of the one before can be shared.
    private func setPlaintext(_ isPlaintext: Bool) throws(TransportError) {
        guard httpVersion == .automatic, CurlLibrary.hasHTTP2, self.isPlaintext != isPlaintext else { return }
        try easy.set(CURLOPT_HTTP_VERSION, isPlaintext ? stacks_http_version_1_1 : stacks_http_version_2tls)
        try easy.set(CURLOPT_PIPEWAIT, isPlaintext ? 0 : 1)
        self.isPlaintext = isPlaintext
    }

    private func setBody(_ body: [UInt8]) throws(TransportError) {
        upload.fill(with: body)
        try easy.set(CURLOPT_POSTFIELDSIZE_LARGE, large: body.count)
        try unsafe easy.set(CURLOPT_POSTFIELDS, pointer: upload.address)
    }
}

// MARK: - The callbacks

extension CurlTransfer {
    private func setCallbacks() throws(TransportError) {
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
        return call != nil
    }

    /// Whether a connection that is to be used again has something on it that should not be there.
    ///
    /// An HTTP/2 connection is looked at only after a pause: the look costs system calls, and calls follow each other.
    private func connectionIsStale(localPort: Int32, remotePort: Int32) -> Bool {
        guard let multi, canBeginAnew, isAlone || multi.hasPaused else { return false }
        switch multi.connectedSockets.input(localPort: localPort, remotePort: remotePort) {
        case .none: return false
        case .bytes: return isAlone
        case .end: return true
        }
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

extension TransportMetrics.HTTPVersion {
    /// The version that `CURLINFO_HTTP_VERSION` names.
    fileprivate init?(curl version: Int) {
        switch version {
        case CURL_HTTP_VERSION_1_0: self = .http1_0
        case CURL_HTTP_VERSION_1_1: self = .http1_1
        case CURL_HTTP_VERSION_2_0: self = .http2
        case CURL_HTTP_VERSION_3: self = .http3
        default: return nil
        }
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// The bytes that libcurl hands to a callback as characters.
    fileprivate init(_ characters: UnsafeMutablePointer<CChar>?, count: Int) {
        let bytes = unsafe UnsafeRawPointer(characters)?.assumingMemoryBound(to: UInt8.self)
        unsafe self.init(start: bytes, count: count)
    }
}

extension TransportRequest {
    /// Whether it goes over plaintext, where there is only HTTP/1.1.
    var isPlaintext: Bool { StacksCurl.isPlaintext(origin) }
}
