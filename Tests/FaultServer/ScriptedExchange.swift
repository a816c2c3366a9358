/// A request, with methods to respond to it in valid or invalid ways, the same in both versions of HTTP.
public protocol ScriptedExchange: Sendable {
    /// The request.
    var request: ReceivedRequest { get }
    /// Its connection.
    var connection: ScriptedConnection { get }

    /// Sends a status and header fields only. In HTTP/2, `isLast` ends the stream.
    func head(_ status: Int, _ fields: [(String, String)], isLast: Bool) async throws
    /// Sends a part of the body unchanged. In HTTP/2, `isLast` ends the stream.
    func body(_ bytes: [UInt8], isLast: Bool) async throws
    /// Aborts the response: resets the stream, or in HTTP/1.1 the connection.
    func reset() async throws
}

extension ScriptedExchange {
    /// Sends a complete response with its length.
    public func respond(_ status: Int = 200, _ fields: [(String, String)] = [], body: [UInt8] = []) async throws {
        try await head(status, [("content-length", "\(body.count)")] + fields, isLast: body.isEmpty)
        if !body.isEmpty { try await self.body(body, isLast: true) }
    }

    /// Sends the response of a working server: the path of the request.
    public func respondWithPath() async throws { try await respond(body: Array(request.path.utf8)) }
}

/// Reads the requests of a connection and responds to them, in the client's HTTP version.
public protocol ScriptedExchanges: Sendable {
    /// The next request with its complete body, or `nil` when the client closes the connection.
    func next() async throws -> (any ScriptedExchange)?
}

extension ScriptedConnection {
    /// Detects the client's HTTP version from its first bytes.
    ///
    /// - Parameter settings: The settings of HTTP/2.
    /// - Returns: `nil` when the client closes the connection before.
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
