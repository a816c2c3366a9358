import FaultServer
import HTTPTypes
import StacksCurl
import StacksTransport
import Testing

/// Cancelling a call ends it at once in every phase, releases its resources, and leaves the connection usable.
///
/// Nothing else ends these calls: their deadlines are an hour away, and the server never responds. The benchmarks measure
/// how long cancelling takes.
@Suite("Cancellation in every phase", .timeLimit(.minutes(5)))
struct CancellationTests {
    private func request(_ origin: String, _ path: String, body: [UInt8]? = nil) -> TransportRequest {
        TransportRequest(
            method: body == nil ? .get : .post, origin: origin, path: path, body: body, deadline: .now + .unreached,
            replay: .never)
    }

    /// Cancels calls repeatedly, each when `isReached` holds.
    private func cancel(
        _ transport: CurlTransport, _ request: TransportRequest, rounds: Int = 10,
        when isReached: (_ round: Int) -> Bool
    ) async throws {
        for round in 0..<rounds {
            let call = Task { try await transport.send(request) }
            try await wait { isReached(round) }
            call.cancel()
            await #expect(throws: CancellationError.self) { try await call.value }
        }
        try await wait { transport.statistics.inFlight + transport.statistics.queued == 0 }
    }

    /// A server that does not respond to `/never`, and sends half of the response to `/begun`.
    private func withServer(
        _ engine: Engine, settings: HTTP2Script.Settings = .init(),
        _ body: (ScriptedServer, CurlTransport) async throws -> Void
    ) async throws {
        try await ScriptedServer.run(engine.security) { connection in
            guard let exchanges = try await connection.exchanges(settings: settings) else { return }
            while let exchange = try await exchanges.next() {
                switch exchange.request.path {
                case "/never": break
                case "/begun":
                    try await exchange.head(200, [("content-length", "10")], isLast: false)
                    try await exchange.body([1, 2, 3], isLast: false)
                default: try await exchange.respondWithPath()
                }
            }
        } _: { server in
            try await engine.withTransport { transport in
                try await body(server, try #require(transport as? CurlTransport))
            }
        }
    }

    /// The connection still works, and over HTTP/2 it is the same one.
    private func expectToWork(
        _ server: ScriptedServer, _ transport: CurlTransport, _ engine: Engine
    ) async throws {
        let response = try await transport.send(request(server.origin, "/after"))
        #expect(response.body == Array("/after".utf8))
        if engine == .curlOverHTTP2 {
            // If the machine is suspended for seconds, the connection counts as dead.
            #expect(server.connections == 1 + transport.statistics.connectionsQuarantined)
        } else {
            // Only closing the connection discards a response that nobody awaits.
            try await wait { server.openConnections == 1 }
        }
    }

    @Test("waiting for the response", arguments: Engine.curl)
    func waiting(engine: Engine) async throws {
        try await withServer(engine) { server, transport in
            _ = try await transport.send(request(server.origin, "/before"))
            try await cancel(transport, request(server.origin, "/never")) { round in
                server.requests.count == 2 + round
            }
            try await expectToWork(server, transport, engine)
        }
    }

    @Test("receiving the response", arguments: Engine.curl)
    func receiving(engine: Engine) async throws {
        try await withServer(engine) { server, transport in
            _ = try await transport.send(request(server.origin, "/before"))
            try await cancel(transport, request(server.origin, "/begun")) { round in
                server.requests.count == 2 + round
            }
            try await expectToWork(server, transport, engine)
        }
    }

    @Test("sending the request, over HTTP/2")
    func sending() async throws {
        var settings = HTTP2Script.Settings()
        settings.opensWindows = false
        settings.initialWindowSize = 1000
        try await withServer(.curlOverHTTP2, settings: settings) { server, transport in
            _ = try await transport.send(request(server.origin, "/before"))
            let long = request(server.origin, "/long", body: Array(repeating: 0x78, count: 100_000))
            try await cancel(transport, long) { round in server.requests.count == 2 + round }
            try await expectToWork(server, transport, .curlOverHTTP2)
        }
    }

    @Test("waiting for a free connection", arguments: Engine.curl)
    func queued(engine: Engine) async throws {
        try await ScriptedServer.run(engine.security) { connection in
            guard let exchanges = try await connection.exchanges() else { return }
            while try await exchanges.next() != nil {}
        } _: { server in
            var configuration = CurlTransport.Configuration.forTests
            configuration.maximumConnectionsPerHost = 1
            configuration.maximumConcurrentStreams = 1
            try await withCurlTransport(configuration: configuration) { transport in
                let first = Task { try await transport.send(request(server.origin, "/first")) }
                try await wait { server.requests.count == 1 }
                for _ in 0..<10 {
                    let call = Task { try await transport.send(request(server.origin, "/queued")) }
                    try await wait { transport.statistics.queued == 1 }
                    call.cancel()
                    await #expect(throws: CancellationError.self) { try await call.value }
                }
                #expect(server.requests.count == 1)
                first.cancel()
                await #expect(throws: CancellationError.self) { try await first.value }
            }
        }
    }

    @Test("connecting")
    func connecting() async throws {
        let blackhole = Blackhole()
        try await withCurlTransport(configuration: .forTests) { transport in
            try await cancel(transport, request("http://127.0.0.1:\(blackhole.port)", "/")) { _ in
                transport.statistics.inFlight == 1
            }
        }
        withExtendedLifetime(blackhole) {}
    }

    @Test("in the TLS handshake")
    func securing() async throws {
        try await ScriptedServer.run(.plaintext) { connection in
            try await connection.waitForEnd()
        } _: { server in
            try await withCurlTransport(configuration: .forTests) { transport in
                try await cancel(transport, request("https://127.0.0.1:\(server.port)", "/")) { round in
                    server.connections == round + 1
                }
                try await wait { server.openConnections == 0 }
            }
        }
    }

    #if os(Linux)
        @Test("resolving the name")
        func resolving() async throws {
            try await withCurlTransport(configuration: .forTests) { transport in
                // Names of their own, because libcurl resolves one on two threads from 8.20 on. It has 20 of them.
                let names = (0..<8).map { _ in HeldName() }
                for name in names {
                    try await cancel(transport, request("http://\(name.host):1", "/"), rounds: 1) { _ in
                        name.resolutions > 0
                    }
                }
                for name in names { name.release() }
            }
        }
    #endif

    @Test("after its end, without effect", arguments: Engine.curl)
    func done(engine: Engine) async throws {
        try await withServer(engine) { server, transport in
            let call = Task { try await transport.send(request(server.origin, "/done")) }
            try await wait { transport.statistics.completed == 1 }
            call.cancel()
            let response = try await call.value
            #expect(response.body == Array("/done".utf8))
            try await expectToWork(server, transport, engine)
        }
    }

    @Test("the server gets RST_STREAM, and the connection stays open")
    func resetIsSent() async throws {
        try await ScriptedServer.run(.tls(.valid, protocols: ["h2"])) { connection in
            guard let http2 = try await connection.exchanges() as? HTTP2Script else { return }
            while let exchange = try await http2.nextRequest() {
                if exchange.request.path == "/never" { continue }
                // The reset preceded this request on the connection.
                let wasReset = http2.resets.count == 1
                try await exchange.respond(body: Array("\(wasReset)".utf8))
            }
        } _: { server in
            try await withCurlTransport(configuration: .forTests) { transport in
                let call = Task { try await transport.send(request(server.origin, "/never")) }
                try await wait { server.requests.count == 1 }
                call.cancel()
                await #expect(throws: CancellationError.self) { try await call.value }
                let after = try await transport.send(request(server.origin, "/after"))
                // If the machine is suspended for seconds, the connection counts as dead and is replaced.
                guard transport.statistics.connectionsQuarantined == 0 else { return }
                #expect(after.body == Array("true".utf8))
                #expect(server.connections == 1)
            }
        }
    }
}
