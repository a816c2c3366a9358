import Foundation
import HTTPTypes
import StacksAPI
import StacksCurl
import StacksTesting
import StacksTransport
import TestServers
import Testing

@Suite("A scripted agent over a real connection", .timeLimit(.minutes(5)))
struct ScriptedAgentTransportTests {
    @Test(
        "one runs a job of stacks-simulator, in plaintext and over TLS",
        arguments: [[], ["--tls"]] as [[String]], [ScriptedAgent.Version.old, .recent])
    func run(arguments: [String], version: ScriptedAgent.Version) async throws {
        try await SimulatorProcess.run(arguments + ["--jobs", "1"]) { simulator in
            let ready = simulator.ready
            var settings = CurlTransport.Configuration()
            if let caFile = ready.caFile { settings.certificateAuthorities = .file(caFile) }
            try await withCurlTransport(configuration: settings) { transport in
                var configuration = StacksClient.Configuration()
                configuration.baseURL = ready.url
                configuration.allowsInsecureHTTP = true
                let client = try StacksClient(token: ready.token, transport: transport, configuration: configuration)
                try await client.registerStack(key: "s")
                let job = try #require(try await client.scheduledJobs(stack: "s", queue: .default).jobs.first?.id)
                _ = try await client.reserveJobs([job], stack: "s")
                let token = try #require(
                    try await client.issueJobAcquisitionTokens(for: [job], stack: "s").issued.first?.token)

                let agent = ScriptedAgent(
                    transport: transport, baseURL: ready.url, job: job.description, token: token.value, version: version
                )
                var script = ScriptedAgent.Script(log: "--- begin\n", duration: .milliseconds(20), exitStatus: 3)
                script.output.append(.init(String(repeating: "line\n", count: 50_000), after: .milliseconds(10)))
                #expect(try await agent.run(script) == .init(exitStatus: 0, jobExitStatus: 3))

                let origin = ready.control.replacing("/_simulator", with: "")
                let log = try await transport.send(
                    TransportRequest(method: .get, origin: origin, path: "/_simulator/jobs/\(job)/log"))
                #expect(String(decoding: log.body, as: UTF8.self) == script.output.map(\.text).joined())
            }
        }
    }
}
