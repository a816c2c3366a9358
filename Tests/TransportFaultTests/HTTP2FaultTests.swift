import FaultServer
import HTTPTypes
import StacksCurl
import StacksTransport
import Testing

@Suite("HTTP/2 connections that misbehave", .timeLimit(.minutes(5)))
struct HTTP2FaultTests {
    /// RFC 9113, section 7.
    private enum Code {
        static let noError: UInt32 = 0
        static let refusedStream: UInt32 = 7
        static let cancel: UInt32 = 8
        static let enhanceYourCalm: UInt32 = 11
    }

    private func withServer<Result>(
        settings: HTTP2Script.Settings = .init(),
        script: @escaping @Sendable (HTTP2Script, ScriptedConnection) async throws -> Void,
        _ body: (CurlTransport, ScriptedServer) async throws -> Result
    ) async throws -> Result {
        try await ScriptedServer.run(.tls(.valid, protocols: ["h2"])) { connection in
            guard let http2 = try await connection.exchanges(settings: settings) as? HTTP2Script else { return }
            try await script(http2, connection)
        } _: { server in
            try await withCurlTransport(configuration: .forTests) { try await body($0, server) }
        }
    }

    private func request(
        _ server: ScriptedServer, _ path: String, replay: TransportRequest.Replay = .never,
        within limit: Duration = .unreached, body: [UInt8]? = nil
    ) -> TransportRequest {
        TransportRequest(
            method: body == nil ? .get : .post, origin: server.origin, path: path, body: body,
            deadline: .now + limit, replay: replay)
    }

    /// The outcomes of concurrent calls, by path.
    private func send(
        _ paths: [String], _ transport: CurlTransport, _ server: ScriptedServer,
        replay: TransportRequest.Replay = .never
    ) async -> [String: Result<TransportResponse, any Error>] {
        await withTaskGroup(of: (String, Result<TransportResponse, any Error>).self) { group in
            for path in paths {
                let request = request(server, path, replay: replay)
                group.addTask {
                    do { return (path, .success(try await transport.send(request))) } catch {
                        return (path, .failure(error))
                    }
                }
            }
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
    }

    private func arrivals(_ path: String, _ server: ScriptedServer) -> Int {
        server.requests.filter { $0.path == path }.count
    }

    private static func serve(_ http2: HTTP2Script) async throws {
        while let exchange = try await http2.next() { try await exchange.respondWithPath() }
    }

    @Test("RST_STREAM with REFUSED_STREAM: a repeatable request is retried, another one is not")
    func refusedStream() async throws { try await expectReset(with: Code.refusedStream) }

    @Test("RST_STREAM with ENHANCE_YOUR_CALM")
    func enhanceYourCalm() async throws { try await expectReset(with: Code.enhanceYourCalm) }

    @Test("RST_STREAM with CANCEL")
    func resetWithCancel() async throws { try await expectReset(with: Code.cancel) }

    @Test("RST_STREAM with NO_ERROR before a response")
    func resetWithoutError() async throws { try await expectReset(with: Code.noError) }

    /// A stream that is reset before a response fails, reaches the server at most once if it must not be repeated, and does
    /// not affect the next one.
    private func expectReset(with code: UInt32) async throws {
        for replay in [TransportRequest.Replay.never, .whenConnectionWasDead] {
            try await withServer { http2, _ in
                while let exchange = try await http2.nextRequest() {
                    if exchange.request.path == "/fault", exchange.connection.number == 0 {
                        try await http2.reset(stream: exchange.stream, code: code)
                    } else {
                        try await exchange.respondWithPath()
                    }
                }
            } _: { transport, server in
                _ = try await transport.send(request(server, "/before"))
                do {
                    let response = try await transport.send(request(server, "/fault", replay: replay))
                    // Only a refused stream may be retried, and only if the request is repeatable. libcurl 8.0 takes a
                    // reset with NO_ERROR for a closed connection.
                    #expect(replay == .whenConnectionWasDead)
                    #expect([Code.refusedStream, Code.noError].contains(code))
                    #expect(response.body == Array("/fault".utf8))
                } catch let error as TransportError {
                    #expect(error.code == .http2 || error.code == .connectionClosed, "\(error)")
                    #expect(error.mayHaveReachedServer)
                }
                if replay == .never { #expect(arrivals("/fault", server) == 1) }
                let after = try await transport.send(request(server, "/after"))
                #expect(after.body == Array("/after".utf8))
            }
        }
    }

    @Test("RST_STREAM with NO_ERROR after a complete response does not change it")
    func resetAfterAnswer() async throws {
        try await withServer { http2, _ in
            while let exchange = try await http2.nextRequest() {
                try await exchange.respondWithPath()
                try await http2.reset(stream: exchange.stream, code: Code.noError)
            }
        } _: { transport, server in
            for path in ["/one", "/two"] {
                let response = try await transport.send(request(server, path))
                #expect(response.body == Array(path.utf8))
            }
            #expect(server.connections == 1)
        }
    }

    @Test(
        "GOAWAY: the streams up to its last ID get responses, later ones were not processed, and no request is repeated"
    )
    func goAway() async throws {
        for replay in [TransportRequest.Replay.never, .whenConnectionWasDead] {
            try await withServer { http2, connection in
                guard connection.number == 0 else { return try await Self.serve(http2) }
                _ = try await http2.nextRequest()?.respondWithPath()
                var waiting: [HTTP2Script.Exchange] = []
                while waiting.count < 4, let exchange = try await http2.nextRequest() { waiting.append(exchange) }
                waiting.sort { $0.stream < $1.stream }
                try await http2.goAway(last: waiting[1].stream)
                for exchange in waiting[...1] { try await exchange.respondWithPath() }
                try await connection.waitForEnd()
            } _: { transport, server in
                _ = try await transport.send(request(server, "/before"))
                let paths = ["/1", "/2", "/3", "/4"]
                let outcomes = await send(paths, transport, server, replay: replay)
                var responses = 0
                for (path, outcome) in outcomes {
                    switch outcome {
                    case .success(let response):
                        responses += 1
                        #expect(response.body == Array(path.utf8))
                    case .failure(let error as TransportError):
                        #expect([.http2, .connectionClosed].contains(error.code), "\(error)")
                    case .failure(let error): Issue.record(error)
                    }
                    if replay == .never { #expect(arrivals(path, server) == 1) }
                }
                #expect(responses >= 2)
                let after = try await transport.send(request(server, "/after"))
                #expect(after.body == Array("/after".utf8))
            }
        }
    }

    @Test("GOAWAY on an idle connection: the next call uses a new one")
    func goAwayWhileIdle() async throws {
        let hasSaidGoodbye = Gate()
        try await withServer { http2, connection in
            guard connection.number == 0 else { return try await Self.serve(http2) }
            let exchange = try await http2.nextRequest()
            try await exchange?.respondWithPath()
            try await http2.goAway(last: exchange?.stream ?? 0)
            hasSaidGoodbye.open()
            try await connection.waitForEnd()
        } _: { transport, server in
            _ = try await transport.send(request(server, "/before"))
            try await hasSaidGoodbye.wait()
            do {
                let after = try await transport.send(request(server, "/after"))
                #expect(after.body == Array("/after".utf8))
                #expect(server.connections == 2)
            } catch let error as TransportError where CurlFeatures.ofThisProcess.runtimeVersion >= 0x08_16_00 {
                // From 8.22 on, libcurl looks at an idle connection at most once a second.
                #expect([.http2, .connectionClosed].contains(error.code))
                #expect(error.mayHaveReachedServer)
            }
        }
    }

    @Test("MAX_CONCURRENT_STREAMS of 1: calls take turns, and all get responses")
    func oneStream() async throws {
        var settings = HTTP2Script.Settings()
        settings.maximumConcurrentStreams = 1
        try await withServer(settings: settings) { http2, _ in
            try await Self.serve(http2)
        } _: { transport, server in
            let paths = (0..<50).map { "/\($0)" }
            let outcomes = await send(paths, transport, server)
            for path in paths {
                #expect((try? outcomes[path]?.get().body) == Array(path.utf8), "\(outcomes[path] as Any)")
                #expect(arrivals(path, server) == 1)
            }
        }
    }

    @Test("MAX_CONCURRENT_STREAMS lowered with calls in flight: they get responses, and further calls wait")
    func loweredStreams() async throws {
        try await withServer { http2, connection in
            guard connection.number == 0 else { return try await Self.serve(http2) }
            var waiting: [HTTP2Script.Exchange] = []
            while waiting.count < 20, let exchange = try await http2.nextRequest() { waiting.append(exchange) }
            var lower = HTTP2Script.Settings()
            lower.maximumConcurrentStreams = 2
            try await http2.send(settings: lower)
            for exchange in waiting { try await exchange.respondWithPath() }
            try await Self.serve(http2)
        } _: { transport, server in
            let first = (0..<20).map { "/first/\($0)" }
            let outcomes = await send(first, transport, server)
            for path in first { #expect((try? outcomes[path]?.get().body) == Array(path.utf8)) }
            let second = (0..<20).map { "/second/\($0)" }
            let more = await send(second, transport, server)
            for path in second {
                #expect((try? more[path]?.get().body) == Array(path.utf8), "\(more[path] as Any)")
                #expect(arrivals(path, server) == 1)
            }
        }
    }

    @Test("a flow-control window that stays closed: the call ends at its deadline while sending")
    func closedWindow() async throws {
        try await withServer(settings: .windowsClosed) { http2, _ in
            try await Self.serve(http2)
        } _: { transport, server in
            _ = try await transport.send(request(server, "/before"))
            let body = [UInt8](repeating: 0x78, count: 100_000)
            var calls = 0
            let error = try await outlast(from: .sending) { limit in
                calls += 1
                return try await transport.send(request(server, "/stuck", within: limit, body: body))
            }
            #expect(error.code == .timeout)
            #expect(error.mayHaveReachedServer)
            #expect(arrivals("/stuck", server) <= calls)
            let after = try await transport.send(request(server, "/after"))
            #expect(after.body == Array("/after".utf8))
        }
    }

    @Test("unacknowledged SETTINGS do not delay calls")
    func unacknowledgedSettings() async throws {
        var settings = HTTP2Script.Settings()
        settings.acknowledges = false
        try await withServer(settings: settings) { http2, _ in
            try await Self.serve(http2)
        } _: { transport, server in
            for path in ["/one", "/two", "/three"] {
                let response = try await transport.send(request(server, path))
                #expect(response.body == Array(path.utf8))
            }
        }
    }

    @Test("invalid frames end the call, and the next one uses a new connection")
    func garbage() async throws {
        try await withServer { http2, connection in
            guard connection.number == 0 else { return try await Self.serve(http2) }
            _ = try await http2.nextRequest()?.respondWithPath()
            _ = try await http2.nextRequest()
            try await connection.write([UInt8](repeating: 0xff, count: 4096))
            try await connection.waitForEnd()
        } _: { transport, server in
            _ = try await transport.send(request(server, "/before"))
            // libcurl 8.5 sends GOAWAY, and waits for the server to close the connection.
            let error = try await outlast(from: .sending, .seconds(2)) { limit in
                try await transport.send(request(server, "/fault", within: limit))
            }
            #expect([.http2, .connectionClosed, .timeout].contains(error.code), "\(error)")
            #expect(arrivals("/fault", server) == 1)
            let after = try await transport.send(request(server, "/after"))
            #expect(after.body == Array("/after".utf8))
        }
    }
}

extension HTTP2Script.Settings {
    fileprivate static var windowsClosed: Self {
        var settings = Self()
        settings.initialWindowSize = 1000
        settings.opensWindows = false
        return settings
    }
}
