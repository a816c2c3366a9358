import Foundation
import HTTPTypes
import StacksTransport
import StacksURLSession
import TestServers
import Testing

@Suite("URLSessionTransport keeps the transport's contract", .timeLimit(.minutes(5)))
struct URLSessionTransportTests {
    private let transport: URLSessionTransport

    init() throws { transport = try URLSessionTransport() }

    private func withServer<Result>(
        _ reply: @escaping @Sendable (_ request: String, _ index: Int) -> LoopbackServer.Reply,
        _ body: (LoopbackServer) async throws -> Result
    ) async throws -> Result {
        let server = try LoopbackServer(reply: reply)
        defer { server.stop() }
        return try await body(server)
    }

    /// Waits for a request.
    private func wait(until server: LoopbackServer) async throws {
        while server.received.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
    }

    @Test("method, path, header fields and body arrive unchanged", arguments: [HTTPRequest.Method.post, .put])
    func body(method: HTTPRequest.Method) async throws {
        try await withServer { _, _ in
            .ok("done")
        } _: { server in
            let response = try await transport.send(
                TransportRequest(
                    method: method, origin: server.origin, path: "/v3/stacks/a%2Eb/jobs?x=1",
                    headerFields: [.authorization: "Token t", .contentType: "application/json", .userAgent: "x/1"],
                    body: Array(#"{"a":1}"#.utf8)))
            #expect(response.status == .ok)
            #expect(response.body == Array("done".utf8))
            let request = try #require(server.received.first)
            #expect(request.hasPrefix("\(method.rawValue) /v3/stacks/a%2Eb/jobs?x=1 HTTP/1.1\r\n"))
            #expect(request.hasSuffix("\r\n\r\n{\"a\":1}"))
            for line in ["authorization: token t", "content-type: application/json", "user-agent: x/1"] {
                #expect(request.lowercased().contains("\r\n\(line)\r\n"))
            }
        }
    }

    @Test("a POST without a body has Content-Length 0, and an empty response is a response")
    func empty() async throws {
        try await withServer { _, _ in
            .bytes("HTTP/1.1 204 No Content\r\nRateLimit-Scope: default\r\n\r\n")
        } _: {
            server in
            let response = try await transport.send(
                TransportRequest(method: .post, origin: server.origin, path: "/deregister"))
            #expect(response.status == .noContent)
            #expect(response.body.isEmpty)
            #expect(response.headerFields[HTTPField.Name("ratelimit-scope")!] == "default")
            #expect(server.received.first?.lowercased().contains("content-length: 0") == true)
        }
    }

    @Test(
        "the response is returned, whatever its status",
        arguments: ["401 Unauthorized", "404 Not Found", "429 Too Many Requests", "503 Service Unavailable"])
    func statuses(status: String) async throws {
        try await withServer { _, _ in
            .ok(#"{"message":"no"}"#, status: status, fields: ["WWW-Authenticate: Basic realm=x", "Retry-After: 3"])
        } _: { server in
            let response = try await transport.send(TransportRequest(method: .get, origin: server.origin, path: "/"))
            #expect("\(response.status.code)" == status.prefix(3))
            #expect(response.headerFields[.retryAfter] == "3")
            #expect(response.body == Array(#"{"message":"no"}"#.utf8))
            #expect(server.received.count == 1)
        }
    }

    @Test(
        "a redirect is returned, not followed",
        arguments: ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
    func redirect(status: String) async throws {
        try await withServer { _, _ in
            .ok("moved", status: status, fields: ["Location: /elsewhere"])
        } _: { server in
            let response = try await transport.send(TransportRequest(method: .get, origin: server.origin, path: "/"))
            #expect("\(response.status.code)" == status.prefix(3))
            #expect(response.body == Array("moved".utf8))
            #expect(server.received.count == 1)
        }
    }

    @Test("cancelling the task ends a call without a response")
    func cancel() async throws {
        try await withServer { _, _ in
            .silence
        } _: { server in
            let call = Task { [transport] in
                try await transport.send(TransportRequest(method: .get, origin: server.origin, path: "/"))
            }
            try await wait(until: server)
            call.cancel()
            await #expect(throws: CancellationError.self) { try await call.value }
        }
    }

    @Test("a task that is already cancelled sends nothing")
    func cancelledBefore() async throws {
        try await withServer { _, _ in
            .ok()
        } _: { server in
            let call = Task { [transport] in
                withUnsafeCurrentTask { $0?.cancel() }
                return try await transport.send(TransportRequest(method: .get, origin: server.origin, path: "/"))
            }
            await #expect(throws: CancellationError.self) { try await call.value }
            #expect(server.received.isEmpty)
        }
    }

    @Test("a deadline beyond the clock's range never passes")
    func farDeadline() async throws {
        try await withServer { _, _ in
            .ok("done")
        } _: { server in
            let response = try await transport.send(
                TransportRequest(
                    method: .get, origin: server.origin, path: "/",
                    deadline: .now.advanced(by: .seconds(Int64.max))))
            #expect(response.body == Array("done".utf8))
        }
    }

    @Test("a call without a response ends at its deadline, and the server may have received it")
    func deadline() async throws {
        try await withServer { _, _ in
            .silence
        } _: { server in
            // A busy machine may need longer to start the call.
            var limit = Duration.milliseconds(50)
            var error: TransportError?
            repeat {
                error = await #expect(throws: TransportError.self) {
                    try await transport.send(
                        TransportRequest(method: .get, origin: server.origin, path: "/", deadline: .now + limit))
                }
                limit = limit * 2
            } while error?.code == .timeout && error?.phase == .queued
            #expect(error?.code == .timeout)
            #expect(error?.mayHaveReachedServer == true)
        }
    }

    @Test("a response beyond the limit fails while it arrives")
    func tooLarge() async throws {
        var configuration = URLSessionTransport.Configuration()
        configuration.maximumResponseSize = 1000
        let transport = try URLSessionTransport(configuration: configuration)
        // The server never sends the announced length, so only a limit that is checked while receiving ends the call.
        let start = "HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n" + String(repeating: "x", count: 1001)
        try await withServer { _, _ in
            .bytes(start)
        } _: { server in
            let error = await #expect(throws: TransportError.self) {
                try await transport.send(TransportRequest(method: .get, origin: server.origin, path: "/"))
            }
            #expect(error?.code == .responseTooLarge)
        }
    }

    @Test("a response of exactly the limit is accepted")
    func atTheLimit() async throws {
        var configuration = URLSessionTransport.Configuration()
        configuration.maximumResponseSize = 1000
        let transport = try URLSessionTransport(configuration: configuration)
        try await withServer { _, _ in
            .ok(String(repeating: "x", count: 1000))
        } _: { server in
            let response = try await transport.send(TransportRequest(method: .get, origin: server.origin, path: "/"))
            #expect(response.body.count == 1000)
        }
    }

    @Test(
        "a refused connection proves that nothing was sent", arguments: [HTTPRequest.Method.get, .post])
    func refused(method: HTTPRequest.Method) async throws {
        let error = await #expect(throws: TransportError.self) {
            try await transport.send(
                TransportRequest(
                    method: method, origin: "http://127.0.0.1:1", path: "/", body: method == .post ? [1] : nil,
                    replay: .never)
            )
        }
        #expect(error?.code == .connect)
        #expect(error?.mayHaveReachedServer == false)
    }

    @Test("a connection that was closed without a response may have delivered the request")
    func hangUp() async throws {
        try await withServer { _, _ in
            .hangUp
        } _: { server in
            let error = await #expect(throws: TransportError.self) {
                try await transport.send(
                    TransportRequest(method: .post, origin: server.origin, path: "/", body: [1], replay: .never))
            }
            #expect(error?.code == .connectionClosed)
            #expect(error?.mayHaveReachedServer == true)
        }
    }

    @Test("of a host with several addresses, a request to the second one counts even if the first one refused")
    func severalAddresses() async throws {
        try await withServer { _, _ in
            .hangUp
        } _: { server in
            let error = await #expect(throws: TransportError.self) {
                try await transport.send(
                    TransportRequest(
                        method: .post, origin: "http://localhost:\(server.port)", path: "/", body: [1], replay: .never))
            }
            #expect(server.received.count == 1)
            #expect(error?.mayHaveReachedServer == true)
        }
    }

    @Test("a request that must not be repeated is written once even if an idle connection has closed")
    func replay() async throws {
        try await withServer { _, index in
            index == 0 ? .ok() : .hangUp
        } _: { server in
            _ = try await transport.send(TransportRequest(method: .get, origin: server.origin, path: "/warm"))
            await #expect(throws: TransportError.self) {
                try await transport.send(
                    TransportRequest(method: .post, origin: server.origin, path: "/once", body: [1], replay: .never))
            }
            #expect(server.received.count { $0.hasPrefix("POST /once") } == 1)
        }
    }

    @Test("sequential calls share a connection")
    func reuse() async throws {
        try await withServer { _, _ in
            .ok("x")
        } _: { server in
            for _ in 0..<5 {
                _ = try await transport.send(TransportRequest(method: .get, origin: server.origin, path: "/"))
            }
            #expect(server.connectionCount == 1)
        }
    }

    @Test("concurrent calls get their own responses")
    func concurrency() async throws {
        try await withServer { request, _ in
            .ok(String(request.split(separator: " ")[1]))
        } _: { server in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<100 {
                    group.addTask { [transport] in
                        let response = try await transport.send(
                            TransportRequest(method: .get, origin: server.origin, path: "/\(index)"))
                        #expect(response.body == Array("/\(index)".utf8))
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("a shutdown fails calls in flight and later calls")
    func shutdown() async throws {
        try await withServer { _, _ in
            .silence
        } _: { server in
            let request = TransportRequest(method: .get, origin: server.origin, path: "/")
            let call = Task { [transport] in try await transport.send(request) }
            try await wait(until: server)
            await transport.shutdown()
            let error = await #expect(throws: TransportError.self) { try await call.value }
            #expect(error?.code == .transportClosed)
            let later = await #expect(throws: TransportError.self) { try await transport.send(request) }
            #expect(later?.code == .transportClosed)
            #expect(later?.mayHaveReachedServer == false)
        }
    }

    @Test("a configuration that cannot work is refused with the value's name")
    func configuration() {
        let changes: [(String, (inout URLSessionTransport.Configuration) -> Void)] = [
            ("requestTimeout", { $0.requestTimeout = .zero }),
            ("maximumConnectionsPerHost", { $0.maximumConnectionsPerHost = 0 }),
            ("maximumResponseSize", { $0.maximumResponseSize = -1 }),
        ]
        for (name, change) in changes {
            var configuration = URLSessionTransport.Configuration()
            change(&configuration)
            let error = #expect(throws: ConfigurationError.self) {
                try URLSessionTransport(configuration: configuration)
            }
            #expect(error?.message.contains(name) == true)
        }
    }

    @Test(
        "a transport for one block of code is closed after it, whether it returns or throws", arguments: [true, false])
    func scoped(throwing: Bool) async throws {
        struct Failure: Error {}
        var escaped: URLSessionTransport?
        do {
            try await withURLSessionTransport { transport in
                escaped = transport
                if throwing { throw Failure() }
            }
            #expect(!throwing)
        } catch is Failure {
            #expect(throwing)
        }
        let closed = try #require(escaped)
        let error = await #expect(throws: TransportError.self) {
            try await closed.send(TransportRequest(method: .get, origin: "http://127.0.0.1:1", path: "/"))
        }
        #expect(error?.code == .transportClosed)
    }

    @Test(
        "an invalid URL is rejected before anything is sent",
        arguments: [("ftp://127.0.0.1", "/"), ("http://", "/"), ("127.0.0.1:1", "/"), ("http://127.0.0.1:1", "x")])
    func malformed(origin: String, path: String) async throws {
        let error = await #expect(throws: TransportError.self) {
            try await transport.send(TransportRequest(method: .get, origin: origin, path: path))
        }
        #expect(error?.code == .invalidRequest)
        #expect(error?.mayHaveReachedServer == false)
    }

    @Test("a server with an untrusted certificate is rejected")
    func untrustedCertificate() async throws {
        try await SimulatorProcess.run(["--tls"]) { (simulator) async throws in
            let request = TransportRequest(
                method: .get, origin: "https://127.0.0.1:\(simulator.ready.port)", path: "/v3/token")
            let error = await #expect(throws: TransportError.self) { try await transport.send(request) }
            #expect(error?.code == .certificate)
            #expect(error?.phase == .securing)
            #expect(error?.mayHaveReachedServer == false)
        }
    }
}
