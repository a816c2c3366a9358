import FaultServer
import Foundation
import HTTPTypes
import StacksCurl
import StacksTransport
import TestServers
import Testing

@Suite("Connections that close, and suspended servers", .timeLimit(.minutes(5)))
struct DeadConnectionTests {
    private func request(
        _ origin: String, path: String = "/x", within limit: Duration = .unreached,
        replay: TransportRequest.Replay = .never
    ) -> TransportRequest {
        TransportRequest(
            method: .post, origin: origin, path: path, body: Array("{}".utf8), deadline: .now + limit, replay: replay)
    }

    private func arguments(_ engine: Engine) -> [String] { engine == .curlOverHTTP2 ? ["--tls"] : [] }

    // MARK: Idle connections

    private enum Death: String, CaseIterable, CustomTestStringConvertible {
        case closed, reset, diedWithoutClosingTLS
        var testDescription: String { rawValue }
    }

    @Test("a connection that closed while it was idle is not reused", arguments: Engine.allCases)
    func deadWhileIdle(engine: Engine) async throws {
        for death in Death.allCases {
            let dies = Gate()
            try await ScriptedServer.run(engine.security) { connection in
                guard let exchanges = try await connection.exchanges() else { return }
                guard connection.number == 0 else {
                    while let exchange = try await exchanges.next() { try await exchange.respondWithPath() }
                    return
                }
                try await exchanges.next()?.respondWithPath()
                try await dies.wait()
                switch death {
                case .closed: await connection.close()
                case .reset: await connection.reset()
                case .diedWithoutClosingTLS: await connection.closeBelowTLS()
                }
            } _: { server in
                try await engine.withTransport { transport in
                    _ = try await transport.send(
                        request(server.origin, path: "/before", replay: .whenConnectionWasDead))
                    dies.open()
                    try await wait { server.openConnections == 0 }
                    do {
                        let response = try await transport.send(request(server.origin, path: "/after"))
                        #expect(response.body == Array("/after".utf8), "\(death)")
                    } catch {
                        Issue.record(error, "\(death)")
                    }
                    #expect(server.requests.count == 2, "\(death)")
                }
            }
        }
    }

    @Test(
        "a server that closes after each response, as the next request arrives: no request is repeated",
        arguments: Engine.allCases)
    func idleCloseRace(engine: Engine) async throws {
        try await ScriptedServer.run(engine.security) { connection in
            // Unannounced, so that the client reuses the connection.
            try await connection.exchanges()?.next()?.respondWithPath()
            await connection.closeBelowTLS()
        } _: { server in
            try await engine.withTransport { transport in
                // URLSession on Linux can lose a call in this race, which then ends at its deadline.
                let limit: Duration = engine == .urlSession ? .seconds(5) : .unreached
                for number in 0..<40 {
                    let replay: TransportRequest.Replay = number % 2 == 0 ? .never : .whenConnectionWasDead
                    let path = "/\(number)"
                    do {
                        let response = try await transport.send(
                            request(server.origin, path: path, within: limit, replay: replay))
                        #expect(response.body == Array(path.utf8))
                    } catch let error as TransportError {
                        let isLost = engine == .urlSession && error.code == .timeout
                        #expect(isLost || [.connectionClosed, .http2, .other].contains(error.code), "\(error)")
                    }
                    if replay == .never { #expect(server.requests.filter { $0.path == path }.count <= 1) }
                }
            }
        }
    }

    // MARK: Suspended servers

    @Test("a suspended server that is resumed responds to all calls in flight", arguments: Engine.allCases)
    func frozenAndThawed(engine: Engine) async throws {
        try await FaultServerProcess.run(arguments(engine)) { server in
            try await engine.withTransport { transport in
                _ = try await transport.send(request(server.ready.url))
                server.freeze()
                try await withThrowingTaskGroup(of: TransportResponse.self) { group in
                    let begun = Count()
                    for _ in 0..<8 {
                        group.addTask {
                            begun.add()
                            return try await transport.send(request(server.ready.url, path: "/echo"))
                        }
                    }
                    try await wait {
                        guard let curl = transport as? CurlTransport else { return begun.now == 8 }
                        return curl.statistics.inFlight == 8
                    }
                    server.thaw()
                    for try await response in group { #expect(response.status == .ok) }
                }
            }
        }
    }

    @Test(
        "calls to a suspended server end at their deadlines, and the next one works after it is resumed",
        arguments: Engine.allCases)
    func frozen(engine: Engine) async throws {
        try await FaultServerProcess.run(arguments(engine)) { server in
            try await engine.withTransport { transport in
                _ = try await transport.send(request(server.ready.url))
                server.freeze()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<8 {
                        group.addTask {
                            let error = await #expect(throws: TransportError.self) {
                                try await transport.send(request(server.ready.url, within: .milliseconds(300)))
                            }
                            #expect(error?.code == .timeout)
                        }
                    }
                    try await group.waitForAll()
                }
                server.thaw()
                let response = try await transport.send(request(server.ready.url))
                #expect(response.status == .ok)
            }
        }
    }

    @Test(
        "the next call connects to a second server on the same port while the first one is suspended",
        arguments: Engine.allCases)
    func quarantine(engine: Engine) async throws {
        try await FaultServerProcess.run(arguments(engine)) { first in
            let url = first.ready.url
            try await engine.withTransport { transport in
                _ = try await transport.send(request(url))
                // New connections go to the second server; the open one belongs to the first.
                _ = try await transport.send(request(url, path: "/_stop-listening"))
                first.freeze()
                // URLSession does not report the phase at a deadline.
                let error = try await outlast(from: engine == .urlSession ? .queued : .waiting, .milliseconds(300)) {
                    try await transport.send(request(url, within: $0, replay: .whenConnectionWasDead))
                }
                #expect(error.code == .timeout || engine == .urlSession, "\(error)")
                try await FaultServerProcess.run(arguments(engine) + ["--port", "\(first.ready.port)"]) { _ in
                    let response = try await transport.send(request(url, replay: .whenConnectionWasDead))
                    #expect(response.status == .ok)
                }
                if let curl = transport as? CurlTransport { #expect(curl.statistics.connectionsQuarantined == 1) }
            }
        }
    }

    @Test("a retired connection closes after its last call")
    func quarantinedConnectionIsClosed() async throws {
        let responseGate = Gate()
        try await ScriptedServer.run(.tls(.valid, protocols: ["h2"])) { connection in
            guard let exchanges = try await connection.exchanges() else { return }
            guard connection.number == 0 else {
                while let exchange = try await exchanges.next() { try await exchange.respondWithPath() }
                return
            }
            try await exchanges.next()?.respondWithPath()
            let (slow, lost) = (try await exchanges.next(), try await exchanges.next())
            try await responseGate.wait()
            for exchange in [slow, lost] where exchange?.request.path == "/slow" {
                try await exchange?.respondWithPath()
            }
            try await connection.waitForEnd()
        } _: { server in
            try await withCurlTransport(configuration: .forTests) { transport in
                _ = try await transport.send(request(server.origin))
                async let slow = transport.send(request(server.origin, path: "/slow"))
                try await wait { server.requests.count == 2 }
                let error = try await outlast(from: .waiting) {
                    try await transport.send(request(server.origin, path: "/lost", within: $0))
                }
                #expect(error.code == .timeout)
                let next = try await transport.send(request(server.origin, path: "/next"))
                #expect(next.metrics?.reusedConnection == false)
                #expect(server.openConnections == 2)
                responseGate.open()
                let response = try await slow
                #expect(response.body == Array("/slow".utf8))
                try await wait { server.openConnections == 1 }
                #expect(transport.statistics.connectionsQuarantined == 1)
            }
        }
    }

    // MARK: Restarted servers

    @Test("a server that was killed and restarted on the same port between calls", arguments: Engine.allCases)
    func restarted(engine: Engine) async throws {
        let first = try await FaultServerProcess.start(arguments(engine))
        try await engine.withTransport { transport in
            _ = try await transport.send(request(first.ready.url, replay: .whenConnectionWasDead))
            try await first.kill()
            try await FaultServerProcess.run(arguments(engine) + ["--port", "\(first.ready.port)"]) { second in
                #expect(second.ready.port == first.ready.port)
                let response = try await transport.send(request(first.ready.url))
                #expect(response.status == .ok)
            }
        }
    }
}
