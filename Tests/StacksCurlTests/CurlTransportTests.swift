import Foundation
import HTTPTypes
import StacksCurl
import StacksTransport
import TestServers
import Testing

@Suite("CurlTransport keeps the transport's contract over plaintext", .timeLimit(.minutes(5)))
struct CurlTransportTests {
    private func request(
        _ server: LoopbackServer,
        _ method: HTTPRequest.Method = .get,
        path: String = "/v3/x",
        fields: HTTPFields = [:],
        body: String? = nil,
        deadline: ContinuousClock.Instant? = nil,
        replay: TransportRequest.Replay = .whenConnectionWasDead
    ) -> TransportRequest {
        TransportRequest(
            method: method, origin: server.origin, path: path, headerFields: fields, body: body.map { Array($0.utf8) },
            deadline: deadline, replay: replay)
    }

    private func withServer<Result>(
        configuration: CurlTransport.Configuration = .init(),
        _ reply: @escaping @Sendable (_ request: String, _ index: Int) -> LoopbackServer.Reply,
        _ body: (CurlTransport, LoopbackServer) async throws -> Result
    ) async throws -> Result {
        let server = try LoopbackServer(reply: reply)
        defer { server.stop() }
        return try await withCurlTransport(configuration: configuration) { try await body($0, server) }
    }

    private func failure(_ transport: CurlTransport, _ request: TransportRequest) async throws -> TransportError {
        try #require(await #expect(throws: TransportError.self) { _ = try await transport.send(request) })
    }

    // MARK: The request as it goes on the wire

    @Test("method, path, header fields and body arrive as they were given, and nothing else is added")
    func wire() async throws {
        try await withServer({ _, _ in .ok("{}") }) { transport, server in
            let fields: HTTPFields = [
                .authorization: "Token abc", .accept: "application/json", .contentType: "application/json",
                .userAgent: "test", HTTPField.Name("X-Empty")!: "",
            ]
            _ = try await transport.send(
                request(server, .put, path: "/v3/a%2Eb?q=1", fields: fields, body: #"{"a":1}"#))
            let received = try #require(server.received.first)
            let lines = received.components(separatedBy: "\r\n")
            #expect(lines.first == "PUT /v3/a%2Eb?q=1 HTTP/1.1")
            #expect(lines.last == #"{"a":1}"#)
            let names = Set(lines.dropFirst().prefix { !$0.isEmpty }.map { $0.prefix { $0 != ":" }.lowercased() })
            #expect(
                names == [
                    "host", "authorization", "accept", "accept-encoding", "content-type", "content-length",
                    "user-agent", "x-empty",
                ])
        }
    }

    @Test("a long body is sent without asking first", arguments: [1, 600_000, 1_100_000])
    func longBody(size: Int) async throws {
        try await withServer({ _, _ in .ok("{}") }) { transport, server in
            // The one before it leaves a handle whose header lines do not speak of it.
            _ = try await transport.send(request(server, .post, body: "{}"))
            let body = String(repeating: "a", count: size)
            _ = try await transport.send(request(server, .post, body: body))
            let received = try #require(server.received.last)
            #expect(received.utf8.count > size)
            #expect(!received.prefix(1000).lowercased().contains("expect:"))
        }
    }

    @Test("each method is sent as it is, with and without a body, on one reused handle")
    func methods() async throws {
        try await withServer({ _, _ in .ok("") }) { transport, server in
            let calls: [(HTTPRequest.Method, String?)] = [
                (.get, nil), (.post, "abc"), (.post, nil), (.put, "de"), (.get, nil), (.put, nil), (.delete, nil),
                (.patch, "f"), (.get, nil),
            ]
            for (method, body) in calls { _ = try await transport.send(request(server, method, body: body)) }
            let seen = server.received.map { text in
                let parts = text.components(separatedBy: "\r\n\r\n")
                let length = parts[0].components(separatedBy: "\r\n").first {
                    $0.lowercased().hasPrefix("content-length:")
                }
                return "\(parts[0].prefix { $0 != " " }) \(length.map { String($0.dropFirst(16)) } ?? "-") \(parts[1])"
            }
            #expect(
                seen == [
                    "GET - ", "POST 3 abc", "POST 0 ", "PUT 2 de", "GET - ", "PUT 0 ", "DELETE - ", "PATCH 1 f",
                    "GET - ",
                ])
            #expect(transport.statistics.connectionsOpened == 1)
        }
    }

    // MARK: The answer

    @Test("status, header fields and body come back whole, whatever the status", arguments: [200, 404, 429, 503])
    func answer(status: Int) async throws {
        try await withServer({ _, _ in .ok("hé", status: "\(status) X", fields: ["RateLimit-Limit: 10"]) }) {
            transport, server in
            let response = try await transport.send(request(server))
            #expect(response.status.code == status)
            #expect(response.headerFields[HTTPField.Name("ratelimit-limit")!] == "10")
            #expect(String(decoding: response.body, as: UTF8.self) == "hé")
            #expect(response.metrics?.httpVersion == .http1_1)
        }
    }

    @Test("a redirect is not followed")
    func redirect() async throws {
        try await withServer({ _, _ in .ok("", status: "302 Found", fields: ["Location: /elsewhere"]) }) {
            transport, server in
            let response = try await transport.send(request(server))
            #expect(response.status.code == 302)
            #expect(server.received.count == 1)
        }
    }

    @Test("an interim answer is not taken for the real one")
    func interim() async throws {
        let reply = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        try await withServer({ _, _ in .bytes(reply) }) { transport, server in
            let response = try await transport.send(request(server))
            #expect(response.status.code == 200)
            #expect(response.headerFields[HTTPField.Name("Link")!] == nil)
        }
    }

    @Test("an answer longer than the limit fails, and says so")
    func tooLarge() async throws {
        var configuration = CurlTransport.Configuration()
        configuration.maximumResponseSize = 1000
        let body = String(repeating: "x", count: 1001)
        try await withServer(configuration: configuration, { _, index in .ok(index == 0 ? body : "ok") }) {
            transport, server in
            let error = try await failure(transport, request(server))
            #expect(error.code == .responseTooLarge)
            #expect(error.message.contains("1000"))
            let status = try await transport.send(request(server)).status.code
            #expect(status == 200)
        }
    }

    @Test("a status that is none is an error, and the next call works", arguments: ["5000", "-5", "0"])
    func oddStatus(status: String) async throws {
        // libcurl before 8.0 reads any number after HTTP/2 as a status, on a connection that speaks HTTP/1.1 too; later
        // ones make 200 of it.
        let odd = "HTTP/2 \(status) x\r\nContent-Length: 0\r\n\r\n"
        try await withServer({ _, index in index == 0 ? .bytes(odd) : .ok() }) { transport, server in
            let error = try await failure(transport, request(server))
            #expect(error.mayHaveReachedServer)
            let status = try await transport.send(request(server)).status.code
            #expect(status == 200)
        }
    }

    @Test("over plaintext a slow call keeps no other one waiting")
    func slowCall() async throws {
        let arrived = AsyncStream.makeStream(of: Void.self)
        try await withServer({ text, _ in
            guard text.hasPrefix("GET /slow") else { return .ok() }
            arrived.continuation.yield()
            return .silence
        }) { transport, server in
            let slow = Task { try await transport.send(request(server, path: "/slow")) }
            for await _ in arrived.stream { break }
            let status = try await transport.send(request(server, path: "/fast")).status.code
            #expect(status == 200)
            slow.cancel()
            _ = await slow.result
        }
    }

    @Test("dots in a path go on the wire as they are")
    func dots() async throws {
        try await withServer({ _, _ in .ok() }) { transport, server in
            _ = try await transport.send(request(server, path: "/v3/a/../%2E%2E/b"))
            #expect(server.received.first?.hasPrefix("GET /v3/a/../%2E%2E/b HTTP/1.1\r\n") == true)
        }
    }

    // MARK: Failures

    @Test("a refused connection says that nothing was sent")
    func refused() async throws {
        try await withCurlTransport { transport in
            let target = TransportRequest(method: .get, origin: "http://127.0.0.1:1", path: "/v3/x")
            let error = try await failure(transport, target)
            #expect(error.code == .connect)
            #expect(error.mayHaveReachedServer == false)
        }
    }

    @Test("a name that does not resolve says that nothing was sent")
    func unresolved() async throws {
        try await withCurlTransport { transport in
            let target = TransportRequest(method: .get, origin: "http://does-not-exist.invalid", path: "/")
            let error = try await failure(transport, target)
            #expect(error.code == .nameResolution)
            #expect(error.mayHaveReachedServer == false)
        }
    }

    @Test(
        "a request that cannot be sent is refused",
        arguments: [
            ("ftp://127.0.0.1", "/"), ("http://127.0.0.1", "no-slash"), ("http://127.0.0.1", "/a\0b"),
            ("http://127.0.0.1", "/a\nb"), ("http://127.0.0.1", "/a#b"), ("", "/"),
        ])
    func invalid(origin: String, path: String) async throws {
        try await withCurlTransport { transport in
            let error = try await failure(transport, TransportRequest(method: .get, origin: origin, path: path))
            #expect(error.code == .invalidRequest)
            #expect(error.mayHaveReachedServer == false)
        }
    }

    @Test("plaintext can be forbidden")
    func plaintextForbidden() async throws {
        var configuration = CurlTransport.Configuration()
        configuration.allowsPlaintext = false
        try await withServer(configuration: configuration, { _, _ in .ok() }) { transport, server in
            let error = try await failure(transport, request(server))
            #expect(error.code == .invalidRequest)
            #expect(server.received.isEmpty)
        }
    }

    @Test("a connection closed before an answer may have brought the request to the server")
    func hangUp() async throws {
        try await withServer({ _, _ in .hangUp }) { transport, server in
            let error = try await failure(transport, request(server, .post, body: "x"))
            #expect(error.code == .connectionClosed)
            #expect(error.mayHaveReachedServer)
        }
    }

    @Test("a request that must not be repeated is not replayed when a reused connection dies")
    func noSilentReplay() async throws {
        // The second request of each connection is taken, and the connection closed without an answer.
        try await withServer({ _, index in index == 1 ? .hangUp : .ok() }) { transport, server in
            _ = try await transport.send(request(server))
            let error = try await failure(transport, request(server, .put, body: "once", replay: .never))
            #expect(error.code == .connectionClosed)
            #expect(error.mayHaveReachedServer)
            #expect(server.received.count == 2)
            let status = try await transport.send(request(server)).status.code
            #expect(status == 200)
        }
    }

    @Test("a request that may be repeated survives a reused connection's death")
    func replay() async throws {
        try await withServer({ _, index in index == 1 ? .hangUp : .ok() }) { transport, server in
            _ = try await transport.send(request(server))
            let status = try await transport.send(request(server)).status.code
            #expect(status == 200)
            #expect(server.received.count == 3)
        }
    }

    // MARK: Deadlines, cancellation, the end

    @Test("a call whose answer does not come fails at its deadline, and the next one goes out on a new connection")
    func deadline() async throws {
        try await withServer({ text, _ in text.hasPrefix("GET /silence") ? .silence : .ok() }) { transport, server in
            // A machine that is busy may need longer to come as far as to wait for the answer.
            var limit = Duration.milliseconds(100)
            var error: TransportError
            repeat {
                let start = ContinuousClock.now
                error = try await failure(transport, request(server, path: "/silence", deadline: start + limit))
                #expect(ContinuousClock.now - start >= limit)
                limit = limit * 2
            } while error.code == .timeout && error.phase < .waiting
            #expect(error.code == .timeout)
            #expect(error.phase == .waiting)
            #expect(error.mayHaveReachedServer)
            let response = try await transport.send(request(server))
            #expect(response.status.code == 200)
            #expect(response.metrics?.reusedConnection == false)
        }
    }

    @Test("a deadline that has passed already fails the call")
    func pastDeadline() async throws {
        try await withServer({ _, _ in .silence }) { transport, server in
            let error = try await failure(transport, request(server, deadline: .now - .seconds(1)))
            #expect(error.code == .timeout)
        }
    }

    @Test("a call that waits for a free connection runs against its deadline too")
    func queuedDeadline() async throws {
        var configuration = CurlTransport.Configuration()
        configuration.httpVersion = .http1_1
        configuration.maximumConnectionsPerHost = 1
        try await withServer(configuration: configuration, { _, _ in .silence }) { transport, server in
            await withTaskGroup(of: TransportError?.self) { group in
                for milliseconds in [200, 50] {
                    group.addTask {
                        let deadline = ContinuousClock.now + .milliseconds(milliseconds)
                        do {
                            _ = try await transport.send(request(server, deadline: deadline))
                            return nil
                        } catch { return error as? TransportError }
                    }
                }
                for await error in group { #expect(error?.code == .timeout) }
            }
            #expect(transport.statistics.queued == 0)
            #expect(transport.statistics.inFlight == 0)
        }
    }

    @Test("cancelling a call that hangs ends it")
    func cancellation() async throws {
        let arrived = AsyncStream.makeStream(of: Void.self)
        try await withServer({ _, _ in
            arrived.continuation.yield()
            return .silence
        }) { transport, server in
            let task = Task { try await transport.send(request(server, deadline: .now + .seconds(3600))) }
            for await _ in arrived.stream { break }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(transport.statistics.cancelled == 1)
        }
    }

    @Test("a task that was cancelled before sends nothing")
    func cancelledBefore() async throws {
        try await withServer({ _, _ in .ok() }) { transport, server in
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await transport.send(request(server))
            }
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(server.received.isEmpty)
        }
    }

    @Test("shutdown fails the calls in flight and those after it, and can be asked for twice")
    func shutdown() async throws {
        let arrived = AsyncStream.makeStream(of: Void.self)
        let server = try LoopbackServer { _, _ in
            arrived.continuation.yield()
            return .silence
        }
        defer { server.stop() }
        let transport = try CurlTransport()
        let call = Task { try await transport.send(request(server)) }
        for await _ in arrived.stream { break }
        async let first: Void = transport.shutdown()
        async let second: Void = transport.shutdown()
        _ = await (first, second)
        let inFlight = await #expect(throws: TransportError.self) { try await call.value }
        #expect(inFlight?.code == .transportClosed)
        #expect(try await failure(transport, request(server)).code == .transportClosed)
    }

    @Test("a transport that is dropped without a shutdown closes its connections")
    func dropped() async throws {
        let server = try LoopbackServer { _, _ in .ok() }
        defer { server.stop() }
        for _ in 0..<50 {
            let transport = try CurlTransport()
            let status = try await transport.send(request(server)).status.code
            #expect(status == 200)
        }
        await server.waitUntilNoConnectionIsOpen()
    }

    @Test("over HTTP/1.1 no more connections are opened than allowed, and everybody is served")
    func connectionLimit() async throws {
        var configuration = CurlTransport.Configuration()
        configuration.maximumConnectionsPerHost = 3
        try await withServer(configuration: configuration, { _, _ in .ok() }) { transport, server in
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<200 { group.addTask { try await transport.send(request(server)).status.code } }
                for try await status in group { #expect(status == 200) }
            }
            #expect(server.connectionCount <= 3)
            #expect(transport.statistics.answered == 200)
        }
    }
}
