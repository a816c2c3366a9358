import Foundation
import HTTPTypes
import StacksCurl
import StacksTransport
import TestServers
import Testing

@Suite("CurlTransport over TLS, against a real server in another process", .timeLimit(.minutes(5)))
struct CurlTransportTLSTests {
    private func states(_ simulator: SimulatorProcess) -> TransportRequest {
        let url = simulator.ready.url
        let slash = url.dropFirst("https://".count).firstIndex(of: "/")!
        return TransportRequest(
            method: .get,
            origin: String(url[..<slash]),
            path: "\(url[slash...])/token",
            headerFields: [.authorization: "Token \(simulator.ready.token)", .accept: "application/json"]
        )
    }

    private func configuration(_ simulator: SimulatorProcess) throws -> CurlTransport.Configuration {
        try CurlTransport.Configuration(trusting: simulator.ready.caFile)
    }

    @Test("calls share one connection over HTTP/2")
    func oneConnection() async throws {
        try await SimulatorProcess.run(["--tls"]) { simulator in
            try await withCurlTransport(configuration: configuration(simulator)) { transport in
                try await withThrowingTaskGroup(of: TransportResponse.self) { group in
                    for _ in 0..<200 { group.addTask { try await transport.send(states(simulator)) } }
                    for try await response in group {
                        #expect(response.status.code == 200)
                        #expect(response.metrics?.httpVersion == .http2)
                    }
                }
                #expect(transport.statistics.connectionsOpened == 1)
                #expect(transport.statistics.completed == 200)
            }
        }
    }

    @Test("HTTP/1.1 can be configured")
    func http1() async throws {
        try await SimulatorProcess.run(["--tls"]) { simulator in
            var configuration = try configuration(simulator)
            configuration.httpVersion = .http1_1
            try await withCurlTransport(configuration: configuration) { transport in
                for isReused in [false, true] {
                    let response = try await transport.send(states(simulator))
                    #expect(response.metrics?.httpVersion == .http1_1)
                    #expect(response.metrics?.reusedConnection == isReused)
                }
            }
        }
    }

    @Test("certificate authorities can be configured as text")
    func authoritiesAsText() async throws {
        try await SimulatorProcess.run(["--tls"]) { simulator in
            var configuration = CurlTransport.Configuration()
            let file = try #require(simulator.ready.caFile)
            let text = try String(contentsOfFile: file, encoding: .utf8)
            configuration.certificateAuthorities = .pem(text)
            try await withCurlTransport(configuration: configuration) { transport in
                let status = try await transport.send(states(simulator)).status.code
                #expect(status == 200)
            }
        }
    }

    @Test("a server with an untrusted certificate is rejected")
    func unknownAuthority() async throws {
        try await SimulatorProcess.run(["--tls"]) { simulator in
            try await withCurlTransport { transport in
                let error = await #expect(throws: TransportError.self) { try await transport.send(states(simulator)) }
                #expect(error?.code == .certificate)
                #expect(error?.phase == .securing)
                #expect(error?.mayHaveReachedServer == false)
            }
        }
    }

    @Test("a server without the pinned key is rejected")
    func pinnedKey() async throws {
        try await SimulatorProcess.run(["--tls"]) { simulator in
            var configuration = try configuration(simulator)
            configuration.pinnedPublicKey = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
            try await withCurlTransport(configuration: configuration) { transport in
                let error = await #expect(throws: TransportError.self) { try await transport.send(states(simulator)) }
                #expect(error?.code == .certificate)
                #expect(error?.mayHaveReachedServer == false)
            }
        }
    }

    @Test("ten thousand calls, 64 at a time, a third of them cancelled at random points: each ends once")
    func cancelledAtRandom() async throws {
        try await FaultServerProcess.run(["--tls"]) { server in
            let configuration = try CurlTransport.Configuration(trusting: server.ready.caFile)
            try await withCurlTransport(configuration: configuration) { transport in
                let request = TransportRequest(method: .get, origin: server.ready.url, path: "/v3/token")
                // Connect with a call that is not cancelled: cancelling would close the connection.
                _ = try await transport.send(request)
                let outcomes = await RandomCancellation(calls: 10_000, concurrency: 64, seed: 1).run {
                    let status = try await transport.send(request).status.code
                    #expect(status == 200)
                }
                #expect(outcomes.succeeded + outcomes.cancelled == 10_000)
                #expect(outcomes.failures == [])
                #expect(outcomes.cancelled > 1000)
                let statistics = transport.statistics
                #expect(statistics.inFlight == 0)
                #expect(statistics.queued == 0)
                #expect(statistics.connectionsOpened == 1)
                let status = try await transport.send(request).status.code
                #expect(status == 200)
            }
        }
    }

    @Test("calls cancelled together are over when they return, and give back their streams", arguments: [true, false])
    func cancelledTogether(onIOThread: Bool) async throws {
        try await FaultServerProcess.run(["--tls"]) { server in
            var configuration = try CurlTransport.Configuration(trusting: server.ready.caFile)
            configuration.maximumConcurrentStreams = 8
            let answered = TransportRequest(method: .get, origin: server.ready.url, path: "/v3/token")
            let silent = TransportRequest(method: .get, origin: server.ready.url, path: "/never")
            try await withCurlTransport(configuration: configuration) { transport in
                try await withTaskExecutorPreference(onIOThread ? transport.executor : nil) {
                    for round in 1...5 {
                        try await withThrowingDiscardingTaskGroup { group in
                            for _ in 0..<16 {
                                group.addTask {
                                    let status = try await transport.send(answered).status.code
                                    #expect(status == 200)
                                }
                            }
                        }
                        try await withThrowingDiscardingTaskGroup { group in
                            for _ in 0..<40 {
                                group.addTask {
                                    await #expect(throws: CancellationError.self) { try await transport.send(silent) }
                                }
                            }
                            while transport.statistics.inFlight + transport.statistics.queued < 40 {
                                try await Task.sleep(for: .milliseconds(1))
                            }
                            group.cancelAll()
                        }
                        let statistics = transport.statistics
                        #expect(statistics.cancelled == 40 * round)
                        #expect(statistics.inFlight == 0)
                        #expect(statistics.queued == 0)
                    }
                    #expect(transport.statistics.connectionsOpened == 1)
                }
            }
        }
    }

    @Test("calls that time out together are over when they return, and give back their streams")
    func timedOutTogether() async throws {
        try await FaultServerProcess.run(["--tls"]) { server in
            var configuration = try CurlTransport.Configuration(trusting: server.ready.caFile)
            configuration.maximumConcurrentStreams = 8
            let answered = TransportRequest(method: .get, origin: server.ready.url, path: "/v3/token")
            var limit = Duration.milliseconds(200)
            while true {
                let isDecided = try await withCurlTransport(configuration: configuration) { transport in
                    _ = try await transport.send(answered)
                    var areSent = false
                    try await withThrowingDiscardingTaskGroup { group in
                        let silent = TransportRequest(
                            method: .get, origin: server.ready.url, path: "/never", deadline: .now + limit)
                        for _ in 0..<7 {
                            group.addTask {
                                let error = await #expect(throws: TransportError.self) {
                                    try await transport.send(silent)
                                }
                                #expect(error?.code == .timeout)
                            }
                        }
                        while transport.statistics.inFlight < 7, transport.statistics.failed == 0 {
                            try await Task.sleep(for: .milliseconds(1))
                        }
                        // Without this response, the connection would count as dead.
                        _ = try await transport.send(answered)
                        areSent = transport.statistics.failed == 0
                    }
                    let statistics = transport.statistics
                    // On a busy machine, the deadline may come before that response.
                    guard areSent, statistics.connectionsQuarantined == 0 else { return false }
                    #expect(statistics.failed == 7)
                    #expect(statistics.inFlight == 0)
                    try await withThrowingDiscardingTaskGroup { group in
                        for _ in 0..<16 {
                            group.addTask {
                                let status = try await transport.send(answered).status.code
                                #expect(status == 200)
                            }
                        }
                    }
                    #expect(transport.statistics.connectionsOpened == 1)
                    return true
                }
                if isDecided { return }
                limit = limit * 2
            }
        }
    }

    @Test("a transport shuts down right after its calls were cancelled together")
    func shutsDownAfterCancelling() async throws {
        try await FaultServerProcess.run(["--tls"]) { server in
            let configuration = try CurlTransport.Configuration(trusting: server.ready.caFile)
            let silent = TransportRequest(method: .get, origin: server.ready.url, path: "/never")
            for _ in 0..<10 {
                let transport = try CurlTransport(configuration: configuration)
                try await withThrowingDiscardingTaskGroup { group in
                    for _ in 0..<64 {
                        group.addTask {
                            await #expect(throws: CancellationError.self) { try await transport.send(silent) }
                        }
                    }
                    while transport.statistics.inFlight < 64, transport.statistics.failed == 0 {
                        try await Task.sleep(for: .milliseconds(1))
                    }
                    group.cancelAll()
                }
                await transport.shutdown()
                let statistics = transport.statistics
                #expect(statistics.cancelled == 64)
                #expect(statistics.failed == 0)
                #expect(statistics.inFlight == 0)
            }
        }
    }
}

extension CurlTransport.Configuration {
    /// The default one with the certificate authority of a test server.
    init(trusting caFile: String?) throws {
        self.init()
        certificateAuthorities = .file(try #require(caFile))
    }
}
