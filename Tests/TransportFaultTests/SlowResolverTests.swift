import FaultServer
import HTTPTypes
import StacksCurl
import StacksTransport
import Testing

#if os(Linux)
    /// The test controls how long a resolution takes: everything before the release of the name happens during the
    /// resolution.
    @Suite("A slow resolver", .timeLimit(.minutes(5)))
    struct SlowResolverTests {
        /// The libcurl in use, and the same one used like versions that block on resolutions or cancel them.
        static let libraries = [
            CurlFeatures.ofThisProcess, CurlFeatures(version: 0x07_56_00), CurlFeatures(version: 0x08_10_00),
        ]

        private func request(_ origin: String, within limit: Duration = .unreached) -> TransportRequest {
            TransportRequest(
                method: .post, origin: origin, path: "/x", body: Array("{}".utf8), deadline: .now + limit,
                replay: .never)
        }

        /// A transport with the features in `library`, a server that echoes the path of every request, and a name, which is
        /// released before the transport is shut down.
        private func withTransport(
            _ library: CurlFeatures, _ engine: Engine = .curlOverHTTP1,
            change: (inout CurlTransport.Configuration) -> Void = { _ in },
            _ body: (CurlTransport, ScriptedServer, HeldName) async throws -> Void
        ) async throws {
            var configuration = CurlTransport.Configuration.forTests
            change(&configuration)
            try await ScriptedServer.run(engine.security) { connection in
                guard let exchanges = try await connection.exchanges() else { return }
                while let exchange = try await exchanges.next() { try await exchange.respondWithPath() }
            } _: { server in
                let transport = try CurlTransport(configuration: configuration, library: library)
                let name = HeldName()
                do {
                    try await body(transport, server, name)
                    name.release()
                    await transport.shutdown()
                } catch {
                    name.release()
                    await transport.shutdown()
                    throw error
                }
            }
        }

        /// Makes a call, and returns when its name is being resolved.
        private func begin(
            _ transport: CurlTransport, _ name: HeldName, port: Int = 1
        ) async throws -> Task<TransportResponse, any Error> {
            let before = name.resolutions
            let call = Task { try await transport.send(request("http://\(name.host):\(port)")) }
            try await wait { name.resolutions > before }
            return call
        }

        @Test("the deadline holds, and other calls continue", arguments: Engine.curl, libraries)
        func deadline(engine: Engine, library: CurlFeatures) async throws {
            try await withTransport(library, engine) { transport, server, name in
                let slow = try await begin(transport, name)
                let during = try await transport.send(request(server.origin))
                #expect(during.status == .ok)
                let error = try await outlast(from: .resolving) { limit in
                    try await transport.send(request("http://\(name.host):1", within: limit))
                }
                #expect(error.code == .timeout)
                #expect(error.phase == .resolving)
                #expect(error.mayHaveReachedServer == false)
                let after = try await transport.send(request(server.origin))
                #expect(after.status == .ok)
                slow.cancel()
                await #expect(throws: CancellationError.self) { try await slow.value }
            }
        }

        @Test(
            "deadlines hold with URLSession too, where other calls may have to wait",
            arguments: [TransportRequest.Replay.never, .whenConnectionWasDead])
        func deadlineWithURLSession(replay: TransportRequest.Replay) async throws {
            let name = HeldName()
            try await Engine.urlSession.withTransport { transport in
                for _ in 0..<3 {
                    var call = request("http://\(name.host):1", within: .milliseconds(200))
                    call.replay = replay
                    let error = await #expect(throws: TransportError.self) { try await transport.send(call) }
                    #expect(error?.code == .timeout)
                }
            }
        }

        @Test("the connect timeout holds, and other calls continue", arguments: libraries)
        func connectTimeout(library: CurlFeatures) async throws {
            try await withTransport(library, change: { $0.connectTimeout = .milliseconds(500) }) {
                transport, server, name in
                let error = await #expect(throws: TransportError.self) {
                    try await transport.send(request("http://\(name.host):1"))
                }
                #expect(error?.code == .timeout)
                #expect(error?.phase == .resolving)
                #expect(error?.mayHaveReachedServer == false)
                _ = try await untilConnected { try await transport.send(request(server.origin)) }
            }
        }

        @Test("cancellation returns at once, and other calls continue", arguments: libraries)
        func cancellation(library: CurlFeatures) async throws {
            try await withTransport(library) { transport, server, name in
                let slow = try await begin(transport, name)
                slow.cancel()
                await #expect(throws: CancellationError.self) { try await slow.value }
                let response = try await transport.send(request(server.origin))
                #expect(response.status == .ok)
            }
        }

        @Test("a failed resolution ends its call, and the next one takes its place", arguments: libraries)
        func failure(library: CurlFeatures) async throws {
            try await withTransport(library, change: { $0.maximumConnectionsPerHost = 1 }) { transport, _, _ in
                let calls = (0..<5).map { _ in
                    Task { try await transport.send(request("http://a.invalid")) }
                }
                for call in calls {
                    let error = await #expect(throws: TransportError.self) { try await call.value }
                    #expect(error?.code == .nameResolution)
                    #expect(error?.phase == .resolving)
                }
                #expect(transport.statistics.inFlight == 0)
                #expect(transport.statistics.queued == 0)
            }
        }

        @Test("shutdown fails calls at once, and ends with the resolutions at the latest", arguments: libraries)
        func shutdown(library: CurlFeatures) async throws {
            try await withTransport(library) { transport, _, name in
                let slow = try await begin(transport, name)
                async let closing: Void = transport.shutdown()
                let error = await #expect(throws: TransportError.self) { try await slow.value }
                #expect(error?.code == .transportClosed)
                #expect(error?.mayHaveReachedServer == false)
                // A version that can abandon resolutions ends during this one, another one after it.
                if !library.canAbandonResolution { name.release() }
                await closing
            }
        }

        @Test("a shutdown during resolutions, of a call and of one that was cancelled, opens no connection")
        func shutdownSendsNothing() async throws {
            for library in Self.libraries {
                try await withTransport(library) { transport, server, name in
                    let cancelled = try await begin(transport, name, port: server.port)
                    cancelled.cancel()
                    await #expect(throws: CancellationError.self) { try await cancelled.value }
                    let slow = Task { try await transport.send(request("http://\(name.host):\(server.port)")) }
                    try await wait { transport.statistics.inFlight == 1 }
                    async let closing: Void = transport.shutdown()
                    await #expect(throws: TransportError.self) { try await slow.value }
                    name.release()
                    await closing
                    #expect(transport.statistics.inFlight == 0)
                    #expect(server.connections == 0)
                    #expect(server.requests.isEmpty)
                }
            }
        }

        @Test(
            "an abandoned resolution keeps its place in the queue, and opens no connection",
            arguments: libraries.filter(\.mustAwaitResolution))
        func place(library: CurlFeatures) async throws {
            try await withTransport(library, change: { $0.maximumConnectionsPerHost = 1 }) { transport, server, name in
                let origin = "http://\(name.host):\(server.port)"
                let slow = try await begin(transport, name, port: server.port)
                slow.cancel()
                await #expect(throws: CancellationError.self) { try await slow.value }
                let next = Task { try await transport.send(request(origin)) }
                try await wait { transport.statistics.queued == 1 }
                #expect(transport.statistics.inFlight == 0)
                name.release()
                let response = try await next.value
                #expect(response.status == .ok)
                #expect(server.connections == 1)
                #expect(transport.statistics.inFlight == 0)
            }
        }
    }
#endif
