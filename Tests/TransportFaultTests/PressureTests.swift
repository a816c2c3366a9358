import FaultServer
import HTTPTypes
import StacksCurl
import StacksTransport
import Testing

@Suite("More calls than connections", .timeLimit(.minutes(5)))
struct PressureTests {
    private func request(_ server: ScriptedServer, _ path: String, within limit: Duration = .unreached)
        -> TransportRequest
    {
        TransportRequest(
            method: .get, origin: server.origin, path: path, deadline: .now + limit, replay: .never)
    }

    /// A transport with one connection, which the call `/first` uses until the gate opens.
    private func withOnePlace(
        _ engine: Engine, _ body: (CurlTransport, ScriptedServer, Gate) async throws -> Void
    ) async throws {
        let gate = Gate()
        try await ScriptedServer.run(engine.security) { connection in
            guard let exchanges = try await connection.exchanges() else { return }
            while let exchange = try await exchanges.next() {
                if exchange.request.path == "/first" { try await gate.wait() }
                try await exchange.respondWithPath()
            }
        } _: { server in
            var configuration = CurlTransport.Configuration.forTests
            configuration.maximumConnectionsPerHost = 1
            configuration.maximumConcurrentStreams = 1
            try await withCurlTransport(configuration: configuration) { transport in
                async let first = transport.send(request(server, "/first"))
                try await wait { server.requests.count == 1 }
                try await body(transport, server, gate)
                gate.open()
                let response = try await first
                #expect(response.status == .ok)
            }
        }
    }

    @Test("calls are served in order of arrival, and the statistics show the queue", arguments: Engine.curl)
    func order(engine: Engine) async throws {
        try await withOnePlace(engine) { transport, server, gate in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<30 {
                    group.addTask { _ = try await transport.send(request(server, "/\(number)")) }
                    try await wait { transport.statistics.queued == number + 1 }
                }
                gate.open()
                try await group.waitForAll()
            }
            #expect(server.requests.map(\.path) == ["/first"] + (0..<30).map { "/\($0)" })
            #expect(transport.statistics.queued == 0)
        }
    }

    @Test("a call that waits for a connection ends at its deadline", arguments: Engine.curl)
    func deadline(engine: Engine) async throws {
        try await withOnePlace(engine) { transport, server, _ in
            let error = await #expect(throws: TransportError.self) {
                try await transport.send(request(server, "/late", within: .milliseconds(100)))
            }
            #expect(error?.code == .timeout)
            #expect(error?.phase == .queued)
            #expect(error?.mayHaveReachedServer == false)
            #expect(server.requests.count == 1)
        }
    }

    @Test("cancelling ten thousand waiting calls frees their entries", arguments: Engine.curl)
    func manyCancelled(engine: Engine) async throws {
        try await withOnePlace(engine) { transport, server, gate in
            let calls = (0..<10_000).map { _ in Task { try await transport.send(request(server, "/queued")) } }
            try await wait { transport.statistics.queued == calls.count }
            for call in calls { call.cancel() }
            var cancelled = 0
            for call in calls {
                if case .failure(let error) = await call.result, error is CancellationError { cancelled += 1 }
            }
            #expect(cancelled == calls.count)
            try await wait { transport.statistics.queued == 0 }
            gate.open()
            let response = try await transport.send(request(server, "/after"))
            #expect(response.status == .ok)
            #expect(server.requests.map(\.path) == ["/first", "/after"])
        }
    }
}
