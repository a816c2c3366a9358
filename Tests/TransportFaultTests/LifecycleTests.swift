import FaultServer
import HTTPTypes
import StacksCurl
import StacksTransport
import TestServers
import Testing

@Suite("Life of a transport", .timeLimit(.minutes(5)))
struct LifecycleTests {
    @Test(
        "a thousand transports, released or shut down, leave no thread, descriptor or memory",
        arguments: [[], ["--tls"]])
    func thousandTransports(arguments: [String]) async throws {
        try await FaultServerProcess.run(arguments) { server in
            var arguments = ["--url", server.ready.url, "--transports", "1000", "--seed", "1"]
            if let caFile = server.ready.caFile { arguments += ["--ca-file", caFile] }
            let tool = try ChildProcess(BuiltProducts.executable(named: "stacks-stress"), arguments)
            let outcome = try await tool.outcome()
            #expect(outcome.exitStatus == 0, "\(outcome.text)\(outcome.errorText)")
        }
    }

    @Test("shutting down one transport does not affect another", arguments: Engine.curl)
    func sideBySide(engine: Engine) async throws {
        try await ScriptedServer.run(engine.security) { connection in
            guard let exchanges = try await connection.exchanges() else { return }
            while let exchange = try await exchanges.next() {
                if exchange.request.path != "/never" { try await exchange.respondWithPath() }
            }
        } _: { server in
            let request = TransportRequest(
                method: .get, origin: server.origin, path: "/x", deadline: .now + .unreached, replay: .never)
            var hanging = request
            hanging.path = "/never"
            try await withCurlTransport(configuration: .forTests) { first in
                let second = try CurlTransport(configuration: .forTests)
                let call = Task { [hanging] in try await second.send(hanging) }
                try await wait { server.requests.count == 1 }
                await second.shutdown()
                let error = await #expect(throws: TransportError.self) { try await call.value }
                #expect(error?.code == .transportClosed)
                #expect(error?.mayHaveReachedServer == true)
                let after = await #expect(throws: TransportError.self) { try await second.send(request) }
                #expect(after?.code == .transportClosed)
                #expect(after?.mayHaveReachedServer == false)
                let response = try await first.send(request)
                #expect(response.status == .ok)
            }
        }
    }
}
