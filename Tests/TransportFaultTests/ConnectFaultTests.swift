import FaultServer
import HTTPTypes
import StacksCurl
import StacksTransport
import Testing

@Suite("Connections that fail", .timeLimit(.minutes(5)))
struct ConnectFaultTests {
    /// A server that echoes the path of every request.
    private func withGoodServer<Result>(
        _ engine: Engine, _ body: (ScriptedServer) async throws -> Result
    ) async throws -> Result {
        try await ScriptedServer.run(engine.security) { connection in
            guard let exchanges = try await connection.exchanges() else { return }
            while let exchange = try await exchanges.next() { try await exchange.respondWithPath() }
        } _: {
            try await body($0)
        }
    }

    private func request(
        _ origin: String, within limit: Duration, replay: TransportRequest.Replay = .never
    ) -> TransportRequest {
        TransportRequest(
            method: .post, origin: origin, path: "/x", body: Array("{}".utf8), deadline: .now + limit, replay: replay)
    }

    /// A call to `origin` fails as expected and sends nothing, and the next call to a working server succeeds.
    private func expectFailure(
        _ engine: Engine, _ origin: String, within limit: Duration = .unreached, code: TransportError.Code,
        phase: TransportError.Phase
    ) async throws {
        try await withGoodServer(engine) { server in
            try await engine.withTransport { transport in
                // URLSession does not report the phase at a deadline.
                let error = try await outlast(from: engine == .urlSession ? .queued : phase, limit) { limit in
                    try await transport.send(request(origin, within: limit))
                }
                #expect(error.code == code, "\(error)")
                if engine != .urlSession { #expect(error.phase == phase, "\(error)") }
                if engine != .urlSession || code != .timeout { #expect(!error.mayHaveReachedServer) }
                let response = try await transport.send(request(server.origin, within: .unreached))
                #expect(response.status == .ok)
            }
        }
    }

    @Test("refused", arguments: Engine.allCases)
    func refused(engine: Engine) async throws {
        let port = RefusingPort()
        let scheme = engine == .curlOverHTTP2 ? "https" : "http"
        try await expectFailure(engine, "\(scheme)://127.0.0.1:\(port.number)", code: .connect, phase: .connecting)
        withExtendedLifetime(port) {}
    }

    @Test("a connection attempt without a reply", arguments: Engine.allCases)
    func blackholed(engine: Engine) async throws {
        let blackhole = Blackhole()
        let scheme = engine == .curlOverHTTP2 ? "https" : "http"
        try await expectFailure(
            engine, "\(scheme)://127.0.0.1:\(blackhole.port)", within: .milliseconds(200), code: .timeout,
            phase: .connecting)
        withExtendedLifetime(blackhole) {}
    }

    @Test("a connection attempt without a reply ends at the connect timeout, long before the deadline")
    func connectTimeout() async throws {
        let blackhole = Blackhole()
        var configuration = CurlTransport.Configuration.forTests
        configuration.connectTimeout = .milliseconds(200)
        try await withCurlTransport(configuration: configuration) { transport in
            // The call's deadline is an hour away, so only the connect timeout can end it.
            let error = await #expect(throws: TransportError.self) {
                try await transport.send(request("http://127.0.0.1:\(blackhole.port)", within: .unreached))
            }
            #expect(error?.code == .timeout)
            #expect(error?.phase == .connecting)
            #expect(error?.mayHaveReachedServer == false)
        }
        withExtendedLifetime(blackhole) {}
    }

    @Test("an unresolvable name", arguments: Engine.allCases)
    func unknownName(engine: Engine) async throws {
        try await expectFailure(engine, "http://host.invalid", code: .nameResolution, phase: .resolving)
    }
}

extension Result where Failure == any Error {
    /// The result or the error of `body`.
    init(catching body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
