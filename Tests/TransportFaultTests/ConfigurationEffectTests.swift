import FaultServer
import Foundation
import HTTPTypes
import StacksCurl
import StacksTransport
import TestServers
import Testing

@Suite("Effects of the settings", .timeLimit(.minutes(5)))
struct ConfigurationEffectTests {
    private func request(_ server: ScriptedServer, _ path: String = "/x") -> TransportRequest {
        TransportRequest(
            method: .get, origin: server.origin, path: path, deadline: .now + .unreached,
            replay: .whenConnectionWasDead)
    }

    /// A transport with a changed setting, one with the tests' usual settings, and a server that echoes the path.
    private func compare(
        _ security: ScriptedServer.Security = .plaintext, _ change: (inout CurlTransport.Configuration) -> Void,
        _ body: (_ changed: CurlTransport, _ usual: CurlTransport, ScriptedServer) async throws -> Void
    ) async throws {
        try await ScriptedServer.run(security) { connection in
            guard let exchanges = try await connection.exchanges() else { return }
            while let exchange = try await exchanges.next() { try await exchange.respondWithPath() }
        } _: { server in
            var configuration = CurlTransport.Configuration.forTests
            change(&configuration)
            try await withCurlTransport(configuration: configuration) { changed in
                try await withCurlTransport(configuration: .forTests) { try await body(changed, $0, server) }
            }
        }
    }

    private func isReused(_ transport: CurlTransport, _ server: ScriptedServer) async throws -> Bool? {
        try await transport.send(request(server)).metrics?.reusedConnection
    }

    @Test(
        "maximumIdleTime: a connection that was idle for longer is not reused", arguments: TLSFaultTests.protocols)
    func idleTime(protocols: [String]) async throws {
        try await compare(.tls(.valid, protocols: protocols)) {
            $0.maximumIdleTime = .seconds(1)
        } _: { changed, usual, server in
            _ = try await (isReused(changed, server), isReused(usual, server))
            // Perhaps not at once: on a busy machine, it may be idle for a second.
            while try await isReused(changed, server) == false { try Task.checkCancellation() }
            // libcurl counts whole seconds on its own clock.
            try await Task.sleep(for: .milliseconds(2100))
            #expect(try await isReused(changed, server) == false)
            #expect(try await isReused(usual, server) == true)
        }
    }

    @Test(
        "maximumConnectionLifetime: an older connection is replaced even if it is never idle",
        arguments: TLSFaultTests.protocols)
    func lifetime(protocols: [String]) async throws {
        try await compare(.tls(.valid, protocols: protocols)) {
            $0.maximumConnectionLifetime = .seconds(1)
        } _: { changed, usual, server in
            let start = ContinuousClock.now
            _ = try await (isReused(changed, server), isReused(usual, server))
            while try await isReused(changed, server) == true { try Task.checkCancellation() }
            #expect(ContinuousClock.now - start >= .seconds(1))
            #expect(try await isReused(usual, server) == true)
        }
    }

    @Test("clientCertificate: the server requires it, and the password decrypts its key")
    func clientCertificate() async throws {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("stacks-client-\(UInt64.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (certificate, key) = (folder.appendingPathComponent("cert.pem"), folder.appendingPathComponent("key.pem"))
        try Data("\(AcceptedClient.certificate)\n".utf8).write(to: certificate)
        try Data("\(AcceptedClient.encryptedKey)\n".utf8).write(to: key)
        for (password, isAccepted) in [(AcceptedClient.password, true), ("wrong", false)] {
            // Over TLS 1.3, the first read reports the missing certificate.
            try await compare(.tls(.valid.askingForClient, protocols: ["http/1.1"])) {
                $0.clientCertificate = .init(
                    certificateFile: certificate.path, privateKeyFile: key.path, privateKeyPassword: password)
            } _: { changed, usual, server in
                if isAccepted {
                    let response = try await changed.send(request(server))
                    #expect(response.status == .ok)
                } else {
                    let error = await #expect(throws: TransportError.self) { try await changed.send(request(server)) }
                    #expect(error?.code == .certificate, "\(error as Any)")
                    #expect(error?.mayHaveReachedServer == false)
                    #expect("\(error as Any)".contains("wrong") == false)
                }
                let count = server.requests.count
                await #expect(throws: TransportError.self) { try await usual.send(request(server)) }
                #expect(server.requests.count == count)
            }
        }
    }

    @Test("acceptsCompression: the request announces it, or not")
    func compression() async throws {
        try await compare {
            $0.acceptsCompression = false
        } _: { changed, usual, server in
            _ = try await (changed.send(request(server, "/plain")), usual.send(request(server, "/packed")))
            let encodings = server.requests.reduce(into: [:]) { $0[$1.path] = $1["accept-encoding"] }
            #expect(encodings["/plain"] == nil)
            #expect(encodings["/packed"]?.contains("gzip") == true)
        }
    }

    @Test("proxy: excepted hosts bypass it")
    func proxyExceptions() async throws {
        try await ScriptedServer.run { connection in
            _ = try await connection.read(upTo: "\r\n\r\n")
            try await connection.write("HTTP/1.1 502 Proxy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        } _: { proxy in
            for exceptions in [["127.0.0.1"], ["elsewhere.test", "127.0.0.1"], ["elsewhere.test"], []] {
                let before = proxy.connections
                try await compare {
                    $0.proxy = .url("http://127.0.0.1:\(proxy.port)", exceptFor: exceptions)
                } _: { changed, _, server in
                    let response = try await changed.send(request(server))
                    let isExcepted = exceptions.contains("127.0.0.1")
                    #expect(response.status.code == (isExcepted ? 200 : 502))
                    #expect(proxy.connections == before + (isExcepted ? 0 : 1))
                    #expect(server.connections == (isExcepted ? 1 : 0))
                }
            }
        }
    }

    @Test("proxy: by default the environment's, with its exceptions")
    func proxyOfEnvironment() async throws {
        try await ScriptedServer.run { connection in
            _ = try await connection.read(upTo: "\r\n\r\n")
            try await connection.write("HTTP/1.1 418 Proxy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        } _: { proxy in
            // Not a loopback host, which would bypass the proxy, and not resolvable.
            for (exception, reachesProxy) in [("elsewhere.test", true), ("api.invalid", false)] {
                let before = proxy.connections
                // In a child process, because other tests read this process's environment.
                let tool = try ChildProcess(
                    BuiltProducts.executable(named: "stacksctl"),
                    ["--base-url", "http://api.invalid/v3", "--allow-insecure-http", "--no-retry", "whoami"],
                    environment: [
                        "http_proxy": "http://127.0.0.1:\(proxy.port)", "no_proxy": exception,
                        "BUILDKITE_AGENT_TOKEN": "bkct_test",
                    ])
                _ = try await tool.outcome()
                #expect(proxy.connections == before + (reachesProxy ? 1 : 0))
            }
        }
    }

    #if os(Linux)
        @Test("tcpKeepAlive: the system sends probes, or not", arguments: [Duration?.none, .seconds(7)])
        func keepAlive(interval: Duration?) async throws {
            try await compare {
                $0.tcpKeepAlive = interval
            } _: { changed, _, server in
                _ = try await changed.send(request(server))
                let socket = try #require(ClientSocket(remotePort: server.port))
                #expect(socket.option(SOL_SOCKET, SO_KEEPALIVE) == (interval == nil ? 0 : 1))
                guard interval != nil else { return }
                #expect(socket.option(Int32(IPPROTO_TCP), TCP_KEEPIDLE) == 7)
                #expect(socket.option(Int32(IPPROTO_TCP), TCP_KEEPINTVL) == 7)
            }
        }
    #endif
}

#if os(Linux)
    /// A socket of this process, by the port of its peer.
    private struct ClientSocket {
        let descriptor: Int32

        init?(remotePort: Int) {
            let descriptors = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
            for descriptor in descriptors.compactMap({ Int32($0) }) {
                var address = sockaddr_in()
                var size = socklen_t(MemoryLayout<sockaddr_in>.size)
                let result = withUnsafeMutablePointer(to: &address) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(descriptor, $0, &size) }
                }
                guard result == 0, address.sin_family == AF_INET, Int(UInt16(bigEndian: address.sin_port)) == remotePort
                else { continue }
                self.descriptor = descriptor
                return
            }
            return nil
        }

        func option(_ level: Int32, _ name: Int32) -> Int32 {
            var value: Int32 = -1
            var size = socklen_t(MemoryLayout<Int32>.size)
            return getsockopt(descriptor, level, name, &value, &size) == 0 ? value : -1
        }
    }
#endif
