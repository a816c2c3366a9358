import FaultServer
import HTTPTypes
import SlowResolver
import StacksCurl
import StacksTransport
import Testing

#if os(Linux)
    /// The resolver takes 3 s for every name that ends in `.slow.test`, which is then this machine.
    @Suite("A resolver that takes 3 s", .timeLimit(.minutes(2)))
    struct SlowLookUpTests {
        /// The libcurl in use, and the same used like one that cannot leave a look-up alone.
        static let libraries = [CurlFeatures.ofThisProcess, CurlFeatures(version: 0x07_56_00)]

        private func request(_ origin: String, within limit: Duration = .seconds(20)) -> TransportRequest {
            TransportRequest(
                method: .post, origin: origin, path: "/x", body: Array("{}".utf8), deadline: .now + limit,
                replay: .never)
        }

        /// A transport that uses libcurl as `library` says, and a server that answers every request with its path.
        private func withTransport(
            _ library: CurlFeatures, _ engine: Engine = .curlOverHTTP1,
            change: (inout CurlTransport.Configuration) -> Void = { _ in },
            _ body: (CurlTransport, ScriptedServer) async throws -> Void
        ) async throws {
            var configuration = CurlTransport.Configuration.forTests
            change(&configuration)
            try await ScriptedServer.run(engine.security) { connection in
                guard let exchanges = try await connection.exchanges() else { return }
                while let exchange = try await exchanges.next() { try await exchange.answerWithPath() }
            } _: { server in
                let transport = try CurlTransport(configuration: configuration, library: library)
                do {
                    try await body(transport, server)
                    await transport.shutdown()
                } catch {
                    await transport.shutdown()
                    throw error
                }
            }
        }

        /// Makes a call, and comes back when its name is being looked up.
        private func begin(_ transport: CurlTransport, _ request: TransportRequest) async throws -> Task<
            TransportResponse, any Error
        > {
            let before = slow_resolver_count()
            let call = Task { try await transport.send(request) }
            try await wait { slow_resolver_count() > before }
            return call
        }

        @Test("the deadline is kept, and other calls go on", arguments: Engine.curl, libraries)
        func deadline(engine: Engine, library: CurlFeatures) async throws {
            try await withTransport(library, engine) { transport, server in
                let slow = try await begin(transport, request("http://a.slow.test:1", within: .seconds(1)))
                let took = try await duration {
                    _ = try await transport.send(request(server.origin))
                }
                #expect(took < .seconds(2))
                let ending = await duration {
                    let error = await #expect(throws: TransportError.self) { try await slow.value }
                    #expect(error?.code == .timeout)
                    #expect(error?.phase == .resolving)
                    #expect(error?.mayHaveReachedServer == false)
                    await #expect(throws: Never.self) { _ = try await transport.send(request(server.origin)) }
                }
                #expect(ending < .seconds(2))
            }
        }

        @Test(
            "the deadlines are kept, with URLSession too, where other calls may have to wait",
            arguments: [TransportRequest.Replay.never, .whenConnectionWasDead])
        func deadlineWithURLSession(replay: TransportRequest.Replay) async throws {
            try await Engine.urlSession.withTransport { transport in
                let took = await duration {
                    for name in ["f", "g", "h"] {
                        var call = request("http://\(name).slow.test:1", within: .milliseconds(300))
                        call.replay = replay
                        let error = await #expect(throws: TransportError.self) { try await transport.send(call) }
                        #expect(error?.code == .timeout)
                    }
                }
                #expect(took < .milliseconds(2500))
            }
        }

        @Test("the connect time-out is kept, and other calls go on", arguments: libraries)
        func connectTimeout(library: CurlFeatures) async throws {
            try await withTransport(library, change: { $0.connectTimeout = .seconds(1) }) { transport, server in
                let took = try await duration {
                    let slow = try await begin(transport, request("http://b.slow.test:1"))
                    let error = await #expect(throws: TransportError.self) { try await slow.value }
                    #expect(error?.code == .timeout)
                    #expect(error?.phase == .resolving)
                    #expect(error?.mayHaveReachedServer == false)
                    _ = try await transport.send(request(server.origin))
                }
                #expect(took < .milliseconds(2500))
            }
        }

        @Test("cancellation returns at once, and other calls go on", arguments: libraries)
        func cancellation(library: CurlFeatures) async throws {
            try await withTransport(library) { transport, server in
                let slow = try await begin(transport, request("http://c.slow.test:1"))
                let took = try await duration {
                    slow.cancel()
                    await #expect(throws: CancellationError.self) { try await slow.value }
                    _ = try await transport.send(request(server.origin))
                }
                #expect(took < .seconds(1))
            }
        }

        @Test("a look-up that fails ends its call, and gives its place to the next one", arguments: libraries)
        func failure(library: CurlFeatures) async throws {
            try await withTransport(library, change: { $0.maximumConnectionsPerHost = 1 }) { transport, _ in
                let calls = (0..<5).map { _ in
                    Task { try await transport.send(request("http://a.invalid", within: .seconds(10))) }
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

        @Test("shutdown fails its calls at once, and ends with the look-ups at the latest", arguments: libraries)
        func shutdown(library: CurlFeatures) async throws {
            try await withTransport(library) { transport, _ in
                let slow = try await begin(transport, request("http://d.slow.test:1"))
                async let closing: Void = transport.shutdown()
                let failing = await duration {
                    let error = await #expect(throws: TransportError.self) { try await slow.value }
                    #expect(error?.code == .transportClosed)
                    #expect(error?.mayHaveReachedServer == false)
                }
                #expect(failing < .seconds(1))
                let closed = ContinuousClock.now
                await closing
                let ending = ContinuousClock.now - closed
                #expect(ending < (library.leavesLookUps ? .seconds(1) : .seconds(4)))
            }
        }

        @Test("a look-up that nobody waits for any more keeps its place in the queue, and opens no connection")
        func place() async throws {
            let library = CurlFeatures(version: 0x07_56_00)
            try await withTransport(library, change: { $0.maximumConnectionsPerHost = 1 }) { transport, server in
                let origin = "http://e.slow.test:\(server.port)"
                let slow = try await begin(transport, request(origin))
                slow.cancel()
                await #expect(throws: CancellationError.self) { try await slow.value }
                let next = Task { try await transport.send(request(origin)) }
                try await wait { transport.statistics.queued == 1 }
                #expect(transport.statistics.inFlight == 0)
                let answer = try await next.value
                #expect(answer.status == .ok)
                #expect(server.connections == 1)
                #expect(transport.statistics.inFlight == 0)
            }
        }
    }
#endif
