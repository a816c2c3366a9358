import FaultServer
import Foundation
import HTTPTypes
import StacksCurl
import StacksTransport
import StacksURLSession
import Testing

@Suite("Untrusted TLS", .timeLimit(.minutes(5)))
struct TLSFaultTests {
    static let protocols = [["h2"], ["http/1.1"]]

    /// A transport that trusts both authorities, with the changes of `configure`.
    private func withTransport(
        authorities: [ServedCertificate] = [.valid, .expired], _ configure: (inout CurlTransport.Configuration) -> Void,
        _ body: (CurlTransport) async throws -> Void
    ) async throws {
        var configuration = CurlTransport.Configuration.forTests
        configuration.certificateAuthorities = .pem(authorities.map(\.authority).joined(separator: "\n"))
        configure(&configuration)
        try await withCurlTransport(configuration: configuration, body)
    }

    private func withServer(
        _ certificate: ServedCertificate, _ protocols: [String], _ body: (ScriptedServer) async throws -> Void
    ) async throws {
        try await ScriptedServer.run(.tls(certificate, protocols: protocols)) { connection in
            guard let exchanges = try await connection.exchanges() else { return }
            while let exchange = try await exchanges.next() { try await exchange.respondWithPath() }
        } _: {
            try await body($0)
        }
    }

    private func request(_ origin: String, within limit: Duration = .unreached) -> TransportRequest {
        TransportRequest(
            method: .get, origin: origin, path: "/x", headerFields: [.authorization: "Token t"],
            deadline: .now + limit, replay: .never)
    }

    /// The server with this certificate gets no request, and a call to one with a valid certificate works afterwards.
    private func expectRefusal(
        of certificate: ServedCertificate, _ protocols: [String],
        authorities: [ServedCertificate] = [.valid, .expired],
        _ configure: (inout CurlTransport.Configuration) -> Void = { _ in }
    ) async throws {
        try await withServer(certificate, protocols) { server in
            try await withTransport(authorities: authorities, configure) { transport in
                let error = await #expect(throws: TransportError.self) {
                    try await transport.send(request(server.origin))
                }
                #expect(error?.code == .certificate, "\(error as Any)")
                #expect(error?.phase == .securing)
                #expect(error?.mayHaveReachedServer == false)
                #expect(server.requests.isEmpty)
                if transport.configuration.pinnedPublicKey == nil {
                    try await withServer(.valid, protocols) { good in
                        let response = try await transport.send(request(good.origin))
                        #expect(response.status == .ok)
                    }
                }
            }
        }
    }

    @Test("an expired certificate", arguments: protocols)
    func expired(protocols: [String]) async throws { try await expectRefusal(of: .expired, protocols) }

    @Test("a certificate for another host", arguments: protocols)
    func wrongHost(protocols: [String]) async throws { try await expectRefusal(of: .forAnotherHost, protocols) }

    @Test("a certificate of an unknown authority", arguments: protocols)
    func unknownAuthority(protocols: [String]) async throws {
        try await expectRefusal(of: .selfSigned, protocols, authorities: [.valid])
    }

    @Test("the environment's authorities apply unless the configuration names others", arguments: protocols)
    func environment(protocols: [String]) async throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("stacks-trust-\(UInt64.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("ca.pem")
        try Data(ServedCertificate.valid.authority.utf8).write(to: file)
        var system = CurlTransport.Configuration.forTests
        system.certificateAuthorities = .system
        try await withServer(.valid, protocols) { server in
            func outcome(
                _ configuration: CurlTransport.Configuration, _ environment: TrustEnvironment
            ) async throws -> TransportError? {
                let transport = try CurlTransport(
                    configuration: configuration, library: .ofThisProcess, environment: environment)
                do {
                    _ = try await transport.send(request(server.origin))
                    await transport.shutdown()
                    return nil
                } catch let error as TransportError {
                    await transport.shutdown()
                    return error
                }
            }
            #expect(try await outcome(system, TrustEnvironment(certificateFile: file.path)) == nil)
            let unknown = try await outcome(system, TrustEnvironment())
            #expect(unknown?.code == .certificate)
            #expect(unknown?.message.contains("certificateAuthorities") == true, "\(unknown as Any)")
            // A directory without the authority, instead of the system's.
            #expect(
                try await outcome(system, TrustEnvironment(certificateDirectory: folder.path))?.code == .certificate)
            // The configuration takes precedence, and the environment is not read.
            #expect(try await outcome(.forTests, TrustEnvironment(certificateFile: "/no/such/file")) == nil)
            var other = system
            other.certificateAuthorities = .pem(ServedCertificate.selfSigned.authority)
            #expect(try await outcome(other, TrustEnvironment(certificateFile: file.path))?.code == .certificate)
        }
        for path in ["/no/such/ca.pem", "/dev/null", folder.path] {
            let error = #expect(throws: ConfigurationError.self) {
                try CurlTransport(
                    configuration: system, library: .ofThisProcess, environment: TrustEnvironment(certificateFile: path)
                )
            }
            #expect(error?.message.contains("SSL_CERT_FILE") == true && error?.message.contains(path) == true)
        }
    }

    @Test("a certificate of an unknown authority, with URLSession")
    func unknownAuthorityWithURLSession() async throws {
        try await withServer(.valid, ["http/1.1"]) { server in
            let transport = try URLSessionTransport()
            let error = await #expect(throws: TransportError.self) { try await transport.send(request(server.origin)) }
            // On Linux, URLSession does not distinguish this failure.
            #expect(error.map { [.tls, .certificate, .other].contains($0.code) } == true, "\(error as Any)")
            #expect(server.requests.isEmpty)
            await transport.shutdown()
        }
    }

    @Test("a self-signed certificate is accepted with its key pinned, and rejected with another", arguments: protocols)
    func pinned(protocols: [String]) async throws {
        try await withServer(.selfSigned, protocols) { server in
            try await withTransport(authorities: [.selfSigned]) {
                $0.pinnedPublicKey = "sha256//\(ServedCertificate.selfSignedKeyHash)"
            } _: { transport in
                let response = try await transport.send(request(server.origin))
                #expect(response.status == .ok)
            }
        }
        try await expectRefusal(of: .selfSigned, protocols, authorities: [.selfSigned]) {
            $0.pinnedPublicKey = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
        }
    }

    @Test(
        "a stalled handshake ends at the deadline, or at the connect timeout before it", arguments: [false, true])
    func stalledHandshake(hasConnectTimeout: Bool) async throws {
        try await ScriptedServer.run(.plaintext) { connection in
            try await connection.waitForEnd()
        } _: { server in
            try await withTransport {
                if hasConnectTimeout { $0.connectTimeout = .milliseconds(200) }
            } _: { transport in
                let limit = hasConnectTimeout ? Duration.unreached : .milliseconds(200)
                let error = try await outlast(from: .connecting, limit) { limit in
                    try await transport.send(request("https://127.0.0.1:\(server.port)", within: limit))
                }
                #expect(error.code == .timeout, "\(error)")
                #expect([.connecting, .securing].contains(error.phase), "\(error)")
                #expect(!error.mayHaveReachedServer)
                try await withServer(.valid, ["h2"]) { good in
                    let response = try await untilConnected { try await transport.send(request(good.origin)) }
                    #expect(response.status == .ok)
                }
            }
        }
    }

    @Test("a stalled handshake ends at the deadline, with URLSession")
    func stalledHandshakeWithURLSession() async throws {
        try await ScriptedServer.run(.plaintext) { connection in
            try await connection.waitForEnd()
        } _: { server in
            try await Engine.urlSession.withTransport { transport in
                let error = await #expect(throws: TransportError.self) {
                    try await transport.send(
                        request("https://127.0.0.1:\(server.port)", within: .milliseconds(200)))
                }
                #expect(error?.code == .timeout)
            }
        }
    }

    @Test("a server without TLS")
    func plaintextServer() async throws {
        try await ScriptedServer.run(.plaintext) { connection in
            _ = try await connection.read(count: 1)
            try await connection.write("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            try await connection.waitForEnd()
        } _: { server in
            try await withTransport { _ in
            } _: { transport in
                let error = await #expect(throws: TransportError.self) {
                    try await transport.send(request("https://127.0.0.1:\(server.port)"))
                }
                #expect(error?.code == .tls, "\(error as Any)")
                #expect(error?.mayHaveReachedServer == false)
            }
        }
    }
}
