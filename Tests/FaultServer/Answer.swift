import NIOCore

/// What the well-behaved server says to a request, by its path alone: a value, so that it costs nothing to make.
struct Answer {
    /// When it is given, if it is.
    enum Manner {
        case atOnce
        case after(TimeAmount)
        case never
        /// The stream is reset instead, or the connection closed where there are no streams.
        case reset
        /// The connection is closed instead, with everything that is in flight on it.
        case hangUp
        /// At once, and the server takes no new connection from then on.
        case lastConnections
    }

    var status = 200
    var body: ByteBuffer
    var manner = Manner.atOnce
    var isRateLimited = false
    /// Fields besides those that every answer has.
    var furtherFields: [(String, String)] = []

    /// The answer to a request whose whole body has arrived.
    ///
    /// `/echo` returns the body, `/once/N` too, `/bytes/N` N bytes, `/status/N` that status, `/delay/MS` answers after
    /// so many milliseconds, `/never` never, `/reset` and `/hang-up` break off, and `/_stop-listening` makes
    /// the server take no new connection. A path of the Stacks API gets a document
    /// of the right shape, any other path a small one.
    ///
    /// So that the conformance suite can look at what arrived, `/echo` says the method and the path in its header and
    /// repeats the field `x-conformance`; `/redirect` leads to `/echo`, and `/arrivals/N` tells how often `/once/N`
    /// came. `/_counts` tells what was counted, and is not counted itself.
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

    /// The header fields, in the order in which they are sent.
    var headerFields: [(String, String)] {
        var fields = [("content-type", "application/json")] + furtherFields
        // RFC 9110, section 8.6: a 204 has no Content-Length.
        if status != 204 { fields.append(("content-length", "\(body.readableBytes)")) }
        if isRateLimited {
            fields += [
                // A limit that no client here reaches: one that paces itself has all the work of it, and never waits.
                ("ratelimit-scope", "default"), ("ratelimit-limit", "1000000"), ("ratelimit-remaining", "999999"),
                ("ratelimit-reset", "1"),
            ]
        }
        return fields
    }
}
