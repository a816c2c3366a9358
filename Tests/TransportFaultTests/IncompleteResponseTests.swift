import FaultServer
import HTTPTypes
import StacksCurl
import StacksTransport
import Testing

@Suite("Incomplete and endless responses", .timeLimit(.minutes(5)))
struct IncompleteResponseTests {
    private static let brokenOff: Set<TransportError.Code> = [.connectionClosed, .http2]

    @Test("reset before the header", arguments: Engine.allCases)
    func resetBeforeHeader(engine: Engine) async throws {
        try await FaultTrial(engine: engine, outcome: .failure(Self.brokenOff)).run { try await $0.reset() }
    }

    @Test("reset after the header", arguments: Engine.allCases)
    func resetAfterHeader(engine: Engine) async throws {
        try await FaultTrial(engine: engine, outcome: .failure(Self.brokenOff)).run { exchange in
            try await exchange.head(200, [("content-length", "1000")], isLast: false)
            try await exchange.reset()
        }
    }

    @Test("reset in the middle of the body", arguments: Engine.allCases)
    func resetInBody(engine: Engine) async throws {
        try await FaultTrial(engine: engine, outcome: .failure(Self.brokenOff)).run { exchange in
            try await exchange.head(200, [("content-length", "1000")], isLast: false)
            try await exchange.body(Array(repeating: 0x78, count: 500), isLast: false)
            try await exchange.reset()
        }
    }

    @Test("closed in the middle of the body, as by a crashed process", arguments: Engine.allCases)
    func closedInBody(engine: Engine) async throws {
        try await FaultTrial(engine: engine, outcome: .failure(Self.brokenOff)).run { exchange in
            try await exchange.head(200, [("content-length", "1000")], isLast: false)
            try await exchange.body(Array(repeating: 0x78, count: 500), isLast: false)
            await exchange.connection.closeBelowTLS()
        }
    }

    @Test("a body shorter than its Content-Length", arguments: Engine.allCases)
    func shortBody(engine: Engine) async throws {
        try await FaultTrial(engine: engine, outcome: .failure(Self.brokenOff)).run { exchange in
            try await exchange.head(200, [("content-length", "1000")], isLast: false)
            try await exchange.body(Array(repeating: 0x78, count: 500), isLast: true)
            // HTTP/1.1 has no other way to end the body.
            if engine != .curlOverHTTP2 { await exchange.connection.close() }
        }
    }

    @Test(
        "an incomplete header is not a response",
        arguments: [
            "HTTP/1.1 20", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\n", "HTTP/1.1 200 OK\r\nContent-Le",
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r",
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\rX",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n", "HTTP/1.1 204 No Content\r\n",
            "HTTP/1.1 304 Not Modified\r\nETag: x\r\n", "HTTP/1.1 503 Busy\r\nRetry-After: 1\r\n",
            "HTTP/1.0 200 OK\r\n",
            "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n",
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        ])
    func cutHeader(bytes: String) async throws {
        try await FaultTrial(engine: .curlOverHTTP1, outcome: .failure([.connectionClosed])).run { exchange in
            try await exchange.connection.write(bytes)
            await exchange.connection.close()
        }
    }

    @Test("over TLS, an incomplete header is not a response either, and the engine does not retry a repeatable request")
    func cutHeaderOverTLS() async throws {
        try await ScriptedServer.run(.tls(.valid, protocols: ["http/1.1"])) { connection in
            _ = try await HTTP1Script(connection: connection).next()
            try await connection.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n")
            await connection.close()
        } _: { server in
            try await Engine.curlOverHTTP2.withTransport { transport in
                let error = await #expect(throws: TransportError.self) {
                    try await transport.send(
                        TransportRequest(
                            method: .get, origin: server.origin, path: "/x", deadline: .now + .seconds(20),
                            replay: .whenConnectionWasDead))
                }
                #expect(error?.code == .connectionClosed, "\(error as Any)")
                #expect(error?.mayHaveReachedServer == true)
                #expect(server.requests.count == 1)
            }
        }
    }

    @Test(
        "a header beyond libcurl's limits fails as too large, not as out of memory",
        arguments: [
            "HTTP/1.1 200 OK\r\nX: \(String(repeating: "v", count: 120_000))\r\n\r\n",
            "HTTP/1.1 200 \(String(repeating: "v", count: 120_000))\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\(String(repeating: "X: \(String(repeating: "v", count: 1000))\r\n", count: 500))\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX: "
                + "\(String(repeating: "v", count: 120_000))\r\n\r\n",
        ])
    func tooLargeHeader(bytes: String) async throws {
        try await FaultTrial(engine: .curlOverHTTP1, outcome: .failure([.responseTooLarge])).run { exchange in
            try await exchange.connection.write(bytes)
        }
    }

    @Test("a header field of more than 100 KB is too large", arguments: Engine.allCases)
    func tooLargeField(engine: Engine) async throws {
        var codes: Set<TransportError.Code> = [.responseTooLarge]
        var deadline = Duration.unreached
        if engine == .curlOverHTTP2 {
            // It ends the session, which libcurl reports in different ways.
            codes = [.responseTooLarge, .http2, .connectionClosed]
            // From 8.1 to 8.12, it does not notice that, and waits for the server to close the connection.
            if 0x08_01_00..<0x08_0d_00 ~= CurlFeatures.ofThisProcess.runtimeVersion {
                codes.insert(.timeout)
                deadline = .milliseconds(500)
            }
        }
        try await FaultTrial(engine: engine, outcome: .failure(codes), deadline: deadline).run { exchange in
            try await exchange.head(200, [("x-field", String(repeating: "v", count: 120_000))], isLast: false)
        }
    }

    @Test("a header without its body", arguments: Engine.allCases)
    func headerOnly(engine: Engine) async throws {
        try await FaultTrial(engine: engine, outcome: .failure([.timeout]), deadline: .milliseconds(100)).run {
            try await $0.head(200, [("content-length", "1000")], isLast: false)
        }
    }

    @Test("no response", arguments: Engine.allCases)
    func silence(engine: Engine) async throws {
        try await FaultTrial(engine: engine, outcome: .failure([.timeout]), deadline: .milliseconds(100)).run { _ in }
    }

    @Test("a call with a slow body ends at the deadline", arguments: Engine.allCases)
    func drip(engine: Engine) async throws {
        try await FaultTrial(engine: engine, outcome: .failure([.timeout]), deadline: .milliseconds(100)).run {
            exchange in
            try await exchange.head(200, [("content-length", "1000000")], isLast: false)
            // Until the client closes the connection, or for longer than it should wait.
            for _ in 0..<20 {
                try await exchange.body([0x78], isLast: false)
                try await Task.sleep(for: .milliseconds(10))
            }
        }
    }

    @Test("a body beyond the limit", arguments: Engine.allCases)
    func overTheLimit(engine: Engine) async throws {
        try await FaultTrial(engine: engine, outcome: .failure([.responseTooLarge]), limit: 100_000).run { exchange in
            try await exchange.head(200, [("content-length", "200000")], isLast: false)
            try await exchange.body(Array(repeating: 0x78, count: 200_000), isLast: true)
        }
    }

    @Test("a body without an end", arguments: Engine.allCases)
    func endlessBody(engine: Engine) async throws {
        try await FaultTrial(engine: engine, outcome: .failure([.responseTooLarge]), limit: 100_000).run { exchange in
            try await exchange.head(200, [], isLast: false)
            for _ in 0..<1000 { try await exchange.body(Array(repeating: 0x78, count: 16_384), isLast: false) }
        }
    }

    @Test("a compressed body that decompresses beyond the limit", arguments: Engine.allCases)
    func compressedBody(engine: Engine) async throws {
        let bytes = ZeroBomb.gzip(of: 4 << 20)
        #expect(bytes.count < 50_000)
        try await FaultTrial(engine: engine, outcome: .failure([.responseTooLarge]), limit: 100_000).run { exchange in
            try await exchange.head(
                200, [("content-encoding", "gzip"), ("content-length", "\(bytes.count)")], isLast: false)
            try await exchange.body(bytes, isLast: true)
        }
    }

    @Test("a body that is not in the announced encoding", arguments: Engine.curl)
    func wrongEncoding(engine: Engine) async throws {
        try await FaultTrial(engine: engine, outcome: .failure([.protocolViolation])).run { exchange in
            try await exchange.respond(200, [("content-encoding", "gzip")], body: Array("this is no gzip".utf8))
        }
    }

    @Test("a header without an end", arguments: Engine.allCases)
    func endlessHeader(engine: Engine) async throws {
        var codes: Set<TransportError.Code> = [.responseTooLarge, .protocolViolation, .http2, .connectionClosed]
        // URLSession on Linux has the limit of its libcurl, and older versions have none.
        if engine == .urlSession { codes.formUnion([.timeout, .other]) }
        let deadline = engine == .urlSession ? Duration.seconds(20) : .unreached
        try await FaultTrial(engine: engine, outcome: .failure(codes), deadline: deadline).run { exchange in
            let fields = (0..<1000).map { ("x-field-\($0)", String(repeating: "v", count: 1000)) }
            try await exchange.head(200, fields, isLast: false)
            try await exchange.respond()
        }
    }
}

/// Compressed zeros.
enum ZeroBomb {
    /// The beginning of a gzip file (RFC 1952) with `count` zeros: a block with fixed codes (RFC 1951), one zero, and
    /// repetitions of it, 258 at a time. It has no checksum, which no test reads.
    static func gzip(of count: Int) -> [UInt8] {
        var bytes: [UInt8] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]
        var (byte, used): (UInt8, Int) = (0, 0)
        func push(_ bits: [UInt8]) {
            for bit in bits {
                byte |= bit << used
                used += 1
                if used == 8 {
                    bytes.append(byte)
                    (byte, used) = (0, 0)
                }
            }
        }
        push([1, 1, 0])  // the last block, with fixed codes
        push([0, 0, 1, 1, 0, 0, 0, 0])  // the literal 0
        for _ in 0..<(count / 258) {
            push([1, 1, 0, 0, 0, 1, 0, 1])  // a length of 258
            push([0, 0, 0, 0, 0])  // one byte back
        }
        push([0, 0, 0, 0, 0, 0, 0])  // the end
        if used > 0 { bytes.append(byte) }
        return bytes
    }
}
