import CLibcurl
import HTTPTypes
import StacksTransport

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
        /// Whether the header of the answer has come with the empty line that ends it. The header of an interim answer
        /// does not count.
        var hasWholeHeader = false
        /// The turn of the loop in which the request was first written.
        var sentAt: Moment?
        /// The turn in which anything came from the server last, by its number.
        var receivedIn: UInt64 = 0
        /// The local port of the connection, which tells it from the others.
        var localPort: Int32 = 0
        var answer = AnswerBuffers()
        var hasReceived: Bool { !answer.header.isEmpty }
    }

    let maximumResponseSize: Int
    let errorText: UnsafeMutablePointer<CChar>
    var url: [UInt8] = []
    /// The storage of the URL that is set next.
    var nextURL: [UInt8] = []
    let parsedURL: ParsedURL
    var upload = UploadBuffer()
    private var headers: CurlHeaderList?
    var isAlone = false
    var canBeginAnew = false
    var isPlaintext: Bool?
    /// Whether the environment decides which proxy is used.
    let hasEnvironmentProxy: Bool
    /// Whether the environment's proxy was turned off for the last call, and where that one went.
    var directness: (origin: String, isLoopback: Bool, isDirect: Bool)?
    let httpVersion: CurlTransport.Configuration.HTTPVersion
    var verb: (method: HTTPRequest.Method, hasBody: Bool)?

    init(configuration: CurlTransport.Configuration, library: CurlFeatures) throws(TransportError) {
        easy = try EasyHandle()
        parsedURL = try ParsedURL()
        maximumResponseSize = configuration.maximumResponseSize
        httpVersion = configuration.httpVersion
        hasEnvironmentProxy = configuration.proxy == .environment
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
        try setPlaintext(StacksCurl.isPlaintext(call.request.origin))
        if hasEnvironmentProxy { try leaveProxyOut(call.request.origin, call.request.allowsPlaintextProxy) }
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
    /// - Throws: `TransportError` when there is none: libcurl takes a header that breaks off for a whole one, and when
    ///   its status is none: libcurl before 8.0 takes any number for one, and since then a line that it cannot read for a
    ///   200.
    func takeResponse() throws(TransportError) -> TransportResponse {
        let answer = progress.answer
        progress.answer = AnswerBuffers()
        guard progress.hasWholeHeader else {
            throw TransportError(
                code: .connectionClosed, phase: .receiving,
                message: "the connection was closed before the answer's header was whole")
        }
        let status = easy.long(CURLINFO_RESPONSE_CODE)
        guard status >= 200, answer.header.statusCode == status else {
            throw TransportError(
                code: .protocolViolation, phase: .receiving, message: "the answer has no status that is one")
        }
        return TransportResponse(
            status: HTTPResponse.Status(code: status),
            headerFields: ResponseHeaderFields(lines: answer.header),
            body: answer.body,
            metrics: metrics
        )
    }

    /// Frees what was received of an answer that nobody took, instead of keeping it until the next call.
    func dropAnswer() {
        progress.answer = AnswerBuffers()
    }

    /// Whether a transfer that ended in an error has brought the whole answer all the same.
    ///
    /// A server may answer, a refusal most often, and close the stream before it has read the request's body. libcurl
    /// then delivers the answer, goes on to send the body, and reports that the stream is gone, without a text.
    func isAnswered(inSpiteOf result: CURLcode) -> Bool {
        guard result == CURLE_HTTP2_STREAM, errorMessage.isEmpty, progress.hasWholeHeader else { return false }
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
        let isReused = easy.long(CURLINFO_NUM_CONNECTS) == 0
        return TransportMetrics(
            nameLookup: isReused ? .zero : time(CURLINFO_NAMELOOKUP_TIME_T),
            connect: isReused ? .zero : time(CURLINFO_CONNECT_TIME_T),
            tlsHandshake: isReused ? .zero : time(CURLINFO_APPCONNECT_TIME_T),
            firstByte: time(CURLINFO_STARTTRANSFER_TIME_T),
            total: time(CURLINFO_TOTAL_TIME_T),
            reusedConnection: isReused,
            httpVersion: TransportMetrics.HTTPVersion(curl: easy.long(CURLINFO_HTTP_VERSION))
        )
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
