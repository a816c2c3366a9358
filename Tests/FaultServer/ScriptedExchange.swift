/// One request, and the means to answer it as badly as a script likes, the same in both versions of HTTP.
public protocol ScriptedExchange: Sendable {
    /// What was asked for.
    var request: ReceivedRequest { get }
    /// Where it came from.
    var connection: ScriptedConnection { get }

    /// Sends a head: the status and these fields, nothing else. In HTTP/2, `isLast` ends the stream.
    func head(_ status: Int, _ fields: [(String, String)], isLast: Bool) async throws
    /// Sends a part of the body as it is. In HTTP/2, `isLast` ends the stream.
    func body(_ bytes: [UInt8], isLast: Bool) async throws
    /// Breaks the answer off: resets the stream, or in HTTP/1.1 the connection.
    func reset() async throws
}

extension ScriptedExchange {
    /// A whole answer, with its length.
    public func answer(_ status: Int = 200, _ fields: [(String, String)] = [], body: [UInt8] = []) async throws {
        try await head(status, [("content-length", "\(body.count)")] + fields, isLast: body.isEmpty)
        if !body.isEmpty { try await self.body(body, isLast: true) }
    }

    /// The answer of a server with which nothing is wrong: the path that was asked for.
    public func answerWithPath() async throws { try await answer(body: Array(request.path.utf8)) }
}

/// Reads and answers the requests of a connection, in the version of HTTP that the client speaks.
public protocol ScriptedExchanges: Sendable {
    /// The next request whose body has arrived whole, or `nil` when the client closes.
    func next() async throws -> (any ScriptedExchange)?
}

extension ScriptedConnection {
    /// Finds out which version of HTTP the client speaks, by its first bytes.
    ///
    /// - Parameter settings: Of HTTP/2.
    /// - Returns: `nil` when the client closes before.
    public func exchanges(settings: HTTP2Script.Settings = .init()) async throws -> (any ScriptedExchanges)? {
        let preface = HTTP2Script.preface
        let isHTTP2 = try await inbox.read { bytes -> (Bool, count: Int)? in
            let count = min(bytes.count, preface.count)
            guard bytes[..<count].elementsEqual(preface[..<count]) else { return (false, 0) }
            return count == preface.count ? (true, 0) : nil
        }
        guard let isHTTP2 else { return nil }
        return isHTTP2 ? try await HTTP2Script.start(on: self, settings: settings) : HTTP1Script(connection: self)
    }
}
