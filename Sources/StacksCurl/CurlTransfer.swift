import CLibcurl
import HTTPTypes
import StacksTransport

/// Owns one easy handle, which processes one call after another.
///
/// Options that are the same for all calls are set once. Between calls, the easy handle keeps its buffers and TLS sessions,
/// and the multi handle its resolved names and connections.
@safe final class CurlTransfer {
    let easy: EasyHandle
    /// The multi handle that processes it, if any.
    var multi: CurlMulti?
    /// Its index in the transfers of ``multi``.
    var place = 0
    private(set) var call: CurlCall?
    /// How often the call was restarted because its connection was stale.
    var restarts = 0
    private let observed = IOCell(Progress())
    var progress: Progress {
        @inline(__always) _read { yield observed.value }
        @inline(__always) _modify { yield &observed.value }
    }
    /// Whether libcurl's connect timeout was postponed, for the rest of this handle's life.
    var hasLongConnectTimeout = false

    /// The progress of the call, as the callbacks have recorded it.
    struct Progress {
        /// Whether libcurl was about to write the request. Before that, no byte of it was sent.
        var isSending = false
        /// Whether a name is being resolved, where that must be awaited.
        var isResolving = false
        /// The turn in which that resolution began.
        var resolutionBegan: Moment?
        /// Whether libcurl was about to retry a request that must not be repeated.
        var replayWasRefused = false
        /// Whether the request was aborted because its connection had ended or had unsolicited input.
        var connectionWasStale = false
        /// The part of the response that exceeds its limit, if any.
        var exceededLimit: ResponsePart?
        /// Whether the header of the final response is complete, with its empty line.
        var hasCompleteHeader = false
        /// The status of the last complete header, if it has a valid one.
        var status: Int?
        /// The turn of the loop in which the request was first written.
        var sentAt: Moment?
        /// The number of the turn in which bytes last arrived.
        var receivedIn: UInt64 = 0
        /// The ports of the connection, of which the local one identifies it.
        var localPort: Int32 = 0
        var remotePort: Int32 = 0
        var response = ResponseBuffers()
    }

    enum ResponsePart { case header, body }

    let maximumResponseSize: Int
    let errorText: UnsafeMutablePointer<CChar>
    /// The URL that is set.
    var url: (origin: String, path: String)?
    /// Storage for its text while it is set.
    var urlText: [UInt8] = []
    let parsedURL: ParsedURL
    let upload = IOCell(IOBuffer())
    /// The lines of the response's header, the status line first.
    let header = IOCell(IOBuffer())
    private var headers: CurlHeaderList?
    var isExclusive = false
    var mayRestart = false
    var isPlaintext: Bool?
    /// Whether the environment selects the proxy.
    let hasEnvironmentProxy: Bool
    /// What the options that ``setRoute(_:allowsPlaintextProxy:)`` sets were derived from.
    var route: (origin: String, allowsPlaintextProxy: Bool)?
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
        if library.mustAwaitResolution { try setResolverCallback() }
        try configuration.apply(to: easy, library)
    }

    deinit {
        try? unsafe easy.set(CURLOPT_ERRORBUFFER, pointer: nil)
        unsafe errorText.deallocate()
    }

    /// Prepares the handle for `call`.
    ///
    /// - Parameters:
    ///   - isExclusive: Whether a connection to the server is known to carry one call at a time, so that nothing may arrive on
    ///     an idle one.
    ///   - mayRestart: Whether the call may be restarted when its connection looks stale.
    func prepare(
        _ call: CurlCall, headers: CurlHeaderList, isExclusive: Bool, mayRestart: Bool
    ) throws(TransportError) {
        // Accesses the fields in place: a copy of the request would retain each of them.
        try setURL(call.request.origin, call.request.path)
        try setVerb(call.request.method, hasBody: call.request.body != nil)
        if let body = call.request.body { try setBody(body) }
        if self.headers !== headers {
            try easy.set(CURLOPT_HTTPHEADER, headers)
            self.headers = headers
        }
        try setRoute(call.request.origin, allowsPlaintextProxy: call.request.allowsPlaintextProxy)
        if progress.connectionWasStale { try easy.set(CURLOPT_FORBID_REUSE, 0) }
        self.call = call
        unsafe call.transfer = self
        self.isExclusive = isExclusive
        self.mayRestart = mayRestart
        progress = Progress()
        progress.response = call.takeBuffers()
        unsafe errorText[0] = 0
    }

    /// Separates the call from the handle.
    ///
    /// - Returns: The call, which the caller of this method settles.
    func takeCall() -> CurlCall? {
        defer {
            call = nil
            multi = nil
        }
        unsafe call?.transfer = nil
        return call
    }

    /// How far the call has come, by the callbacks and libcurl's timestamps.
    var phase: TransportError.Phase {
        if header.value.count > 0 { return .receiving }
        if progress.isSending {
            let sent = easy.large(CURLINFO_SIZE_UPLOAD_T)
            return sent < (call?.request.body?.count ?? 0) ? .sending : .waiting
        }
        if easy.large(CURLINFO_CONNECT_TIME_T) > 0 { return .securing }
        return easy.large(CURLINFO_NAMELOOKUP_TIME_T) > 0 ? .connecting : .resolving
    }

    /// libcurl's error text, or an empty string.
    var errorMessage: String { unsafe String(cString: errorText) }
}
