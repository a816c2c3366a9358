import FaultServer
import HTTPTypes
import StacksTransport
import Testing

/// One fault, met by a call on a new connection and by a call on one that has served before; by a request that may be
/// repeated and by one that must not be. Whatever the fault is, this holds: the call ends, at its deadline if nothing else
/// ends it; it has the outcome that it should have; the request that must not be repeated has reached the server at most once; and the next
/// call works.
struct FaultTrial: Sendable {
    enum Outcome: Sendable {
        case failure(Set<TransportError.Code>)
        case answer(Int, body: [UInt8])
    }

    let engine: Engine
    let outcome: Outcome
    var limit = 16 << 20
    var deadline = Duration.unreached

    /// Meets the fault.
    ///
    /// - Parameter fault: Answers the call that meets it, in its own way or not at all. The connection serves further
    ///   requests once it returns.
    func run(
        sourceLocation: SourceLocation = #_sourceLocation,
        fault: @escaping @Sendable (any ScriptedExchange) async throws -> Void
    ) async throws {
        for isReused in [false, true] {
            for replay in [TransportRequest.Replay.never, .whenConnectionWasDead] {
                try await ScriptedServer.run(engine.security) { connection in
                    guard let exchanges = try await connection.exchanges() else { return }
                    while let exchange = try await exchanges.next() {
                        if exchange.request.path == "/fault" {
                            try await fault(exchange)
                        } else {
                            try await exchange.answerWithPath()
                        }
                    }
                } _: { server in
                    try await engine.withTransport(limit: limit) { transport in
                        let circumstances: Comment = "reused: \(isReused), replay: \(replay)"
                        if isReused { try await expectToWork("/before", transport, server, sourceLocation) }
                        await meet(transport, server, replay, circumstances, sourceLocation)
                        try await expectToWork("/after", transport, server, sourceLocation)
                    }
                }
            }
        }
    }

    private func meet(
        _ transport: any HTTPTransport, _ server: ScriptedServer, _ replay: TransportRequest.Replay,
        _ circumstances: Comment, _ sourceLocation: SourceLocation
    ) async {
        let request = TransportRequest(
            method: .post, origin: server.origin, path: "/fault", headerFields: [.contentType: "application/json"],
            body: Array("{}".utf8), deadline: .now + deadline, replay: replay)
        let result: Result<TransportResponse, any Error>
        do { result = .success(try await transport.send(request)) } catch { result = .failure(error) }

        let arrivals = server.requests.filter { $0.path == "/fault" }.count
        if replay == .never { #expect(arrivals <= 1, circumstances, sourceLocation: sourceLocation) }

        switch (result, outcome) {
        case (.success(let response), .answer(let status, let body)):
            #expect(response.status.code == status, circumstances, sourceLocation: sourceLocation)
            #expect(response.body == body, circumstances, sourceLocation: sourceLocation)
        case (.failure(let error as TransportError), .failure(let codes)):
            // URLSession on Linux names few failures of a connection; the others are `other`.
            let codes = engine == .urlSession && !codes.contains(.timeout) ? codes.union([.other]) : codes
            #expect(codes.contains(error.code), "\(circumstances): \(error)", sourceLocation: sourceLocation)
            #expect(
                error.mayHaveReachedServer || arrivals == 0, "\(circumstances): \(error)",
                sourceLocation: sourceLocation)
        default:
            Issue.record("\(circumstances): \(result)", sourceLocation: sourceLocation)
        }
    }

    private func expectToWork(
        _ path: String, _ transport: any HTTPTransport, _ server: ScriptedServer, _ sourceLocation: SourceLocation
    ) async throws {
        let response = try await transport.send(
            TransportRequest(
                method: .get, origin: server.origin, path: path, deadline: .now + .unreached, replay: .never))
        #expect(response.status == .ok, sourceLocation: sourceLocation)
        #expect(response.body == Array(path.utf8), sourceLocation: sourceLocation)
    }
}
