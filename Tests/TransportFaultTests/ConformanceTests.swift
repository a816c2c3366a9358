import FaultServer
import HTTPTypes
import StacksCurl
import StacksTesting
import StacksTransport
import StacksURLSession
import Testing

@Suite("The conformance suite with every transport", .timeLimit(.minutes(5)))
struct ConformanceTests {
    typealias Rule = TransportConformance.Rule

    private func expectConformance(_ suite: TransportConformance, exempted: Set<Rule>) async {
        let report = await suite.run()
        #expect(report.failures.isEmpty, "\(report)")
        #expect(Set(report.exempted) == exempted)
        #expect(report.kept.count + exempted.count == Rule.all.count)
    }

    private func withServer(isSecure: Bool, _ body: (BehavedServer) async throws -> Void) async throws {
        let server = try await BehavedServer.start(isSecure: isSecure)
        do { try await body(server) } catch {
            try await server.stop()
            throw error
        }
        try await server.stop()
    }

    @Test("in memory")
    func inMemory() async {
        var suite = TransportConformance(origin: "http://memory") {
            let server = ConformanceServer()
            return InMemoryTransport { try await server.respond(to: $0) }
        } shutdown: {
            ($0 as? InMemoryTransport)?.shutdown()
        }
        // There is no network, and a handler's response has no limit.
        suite.exemptions = [.privateAuthority, .http2, .refusedConnection, .cutHeader, .responseLimit]
        await expectConformance(suite, exempted: suite.exemptions)
    }

    private func curlSuite(_ server: BehavedServer) -> TransportConformance {
        var configuration = CurlTransport.Configuration.forTests
        configuration.maximumResponseSize = 2 << 20
        var suite = TransportConformance(origin: server.origin) { [configuration] in
            try CurlTransport(configuration: configuration)
        } shutdown: {
            await ($0 as? CurlTransport)?.shutdown()
        }
        suite.responseLimit = configuration.maximumResponseSize
        return suite
    }

    @Test("libcurl with HTTP/1.1")
    func curlOverHTTP1() async throws {
        try await withServer(isSecure: false) { server in
            var suite = curlSuite(server)
            // The server of this run supports neither.
            suite.exemptions = [.privateAuthority, .http2]
            await expectConformance(suite, exempted: suite.exemptions)
        }
    }

    @Test("libcurl with TLS and HTTP/2, without exemptions")
    func curlOverHTTP2() async throws {
        try await withServer(isSecure: true) { server in
            await expectConformance(curlSuite(server), exempted: [])
        }
    }

    @Test("URLSession, on Linux without HTTP/2 and a private authority")
    func urlSession() async throws {
        try await withServer(isSecure: false) { server in
            var configuration = URLSessionTransport.Configuration()
            configuration.maximumResponseSize = 2 << 20
            var suite = TransportConformance(origin: server.origin) { [configuration] in
                try URLSessionTransport(configuration: configuration)
            } shutdown: {
                await ($0 as? URLSessionTransport)?.shutdown()
            }
            suite.responseLimit = configuration.maximumResponseSize
            suite.exemptions = [.privateAuthority, .http2]
            #if canImport(FoundationNetworking)
                // Foundation up to Swift 6.3 traps, which would crash the tests.
                suite.exemptions.insert(.cutHeader)
            #endif
            await expectConformance(suite, exempted: suite.exemptions)
        }
    }

    @Test("violations of the rules are reported")
    func brokenTransport() async {
        // It follows redirects, throws for a 404, and drops the last byte.
        let server = ConformanceServer()
        var suite = TransportConformance(origin: "http://memory") {
            InMemoryTransport { request in
                var response = try await server.respond(to: request)
                if response.status == .temporaryRedirect { response.status = .ok }
                if response.status == .notFound {
                    throw TransportError(code: .other, phase: .receiving, message: "not found")
                }
                if response.body.count > 100_000 { response.body.removeLast() }
                return response
            }
        }
        suite.exemptions = [.privateAuthority, .http2, .refusedConnection, .cutHeader]
        let report = await suite.run()
        #expect(Set(report.failures.map(\.rule)) == [.noRedirects, .everyStatus, .wholeBodies])
    }
}
