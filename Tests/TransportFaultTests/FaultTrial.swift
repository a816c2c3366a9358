import FaultServer
import HTTPTypes
import StacksTransport
import Testing

/// A fault in calls on new and on reused connections, with repeatable requests and with requests that must not be repeated.
/// For every fault, the call ends at its deadline at the latest, with the expected outcome; a request that must not be
/// repeated reaches the server at most once; and the next call works.
struct FaultTrial: Sendable {
    enum Outcome: Sendable {
        case failure(Set<TransportError.Code>)
        case response(Int, body: [UInt8])
    }

    let engine: Engine
    let outcome: Outcome
    var limit = 16 << 20
    var deadline = Duration.unreached

    /// Makes the calls.
    ///
    /// - Parameter fault: Handles the call with the fault, with or without a response. The connection serves further requests
    ///   after it returns.
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
                            try await exchange.respondWithPath()
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
        case (.success(let response), .response(let status, let body)):
            #expect(response.status.code == status, circumstances, sourceLocation: sourceLocation)
            #expect(response.body == body, circumstances, sourceLocation: sourceLocation)
        case (.failure(let error as TransportError), .failure(let codes)):
            // URLSession on Linux distinguishes few connection failures; the others are `other`.
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
