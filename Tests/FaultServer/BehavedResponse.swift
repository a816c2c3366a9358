import NIOCore

/// The response of the well-behaved server to a request, which depends on the path only. A value, so that it is cheap.
struct BehavedResponse {
    /// When the response is sent, if at all.
    enum Manner {
        case atOnce
        case after(TimeAmount)
        case never
        /// The server resets the stream instead, or closes the connection over HTTP/1.1.
        case reset
        /// The server closes the connection instead, with all requests in flight on it.
        case hangUp
        /// At once, after which the server accepts no new connections.
        case lastConnections
    }

    var status = 200
    var body: ByteBuffer
    var manner = Manner.atOnce
    var isRateLimited = false
    /// Header fields in addition to those of every response.
    var furtherFields: [(String, String)] = []

    /// The response to a request whose complete body has arrived.
    ///
    /// `/echo` and `/once/N` return the body, `/bytes/N` N bytes, `/status/N` that status, `/delay/MS` a response after
    /// MS milliseconds, `/never` no response, `/reset` and `/hang-up` an incomplete one, and `/_stop-listening` makes
    /// the server accept no new connections. A path of the Stacks API returns a document of the right shape, any other path
    /// a small one.
    ///
    /// For the conformance suite, `/echo` returns the method and the path in header fields, and repeats the field
    /// `x-conformance`; `/redirect` redirects to `/echo`, and `/arrivals/N` returns how often `/once/N` arrived. `/_counts`
    /// returns the counters, and is not counted itself.
    init(
        method: String, path: String, conformanceField: String?, body: ByteBuffer, documents: StacksDocuments,
        counts: TrafficCounts
    ) {
        if path == "/_counts" {
            self.body = ByteBuffer(string: counts.json)
            return
        }
        counts.countRequest(path: path)
        let route = path.prefix { $0 != "?" }
        let parts = route.split(separator: "/", omittingEmptySubsequences: true)
        self.body = documents.small
        guard let first = parts.first else { return }
        let number = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        switch first {
        case "echo", "once":
            self.body = body
            furtherFields = [("x-method", method), ("x-path", path)]
            if let conformanceField { furtherFields.append(("x-conformance", conformanceField)) }
        case "arrivals": self.body = ByteBuffer(string: "\(counts.arrivals(of: UInt64(number)))")
        case "redirect":
            status = 307
            furtherFields = [("location", "/echo")]
        case "bytes": self.body = ByteBuffer(repeating: UInt8(ascii: "x"), count: max(0, min(number, 1 << 28)))
        case "status": status = max(200, min(number, 599))
        case "delay": manner = .after(.milliseconds(Int64(number)))
        case "never": manner = .never
        case "reset": manner = .reset
        case "hang-up": manner = .hangUp
        case "_stop-listening": manner = .lastConnections
        default:
            isRateLimited = true
            if let document = documents.document(for: parts, body: body) { self.body = document }
        }
    }

    /// The header fields in the order in which they are sent.
    var headerFields: [(String, String)] {
        var fields = [("content-type", "application/json")] + furtherFields
        // RFC 9110, section 8.6: a 204 has no Content-Length.
        if status != 204 { fields.append(("content-length", "\(body.readableBytes)")) }
        if isRateLimited {
            fields += [
                // A limit that no client reaches, so that a client does all the work of pacing and never waits.
                ("ratelimit-scope", "default"), ("ratelimit-limit", "1000000"), ("ratelimit-remaining", "999999"),
                ("ratelimit-reset", "1"),
            ]
        }
        return fields
    }
}
