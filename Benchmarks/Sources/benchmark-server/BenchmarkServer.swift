import ArgumentParser
import Contestant
import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS

/// The server of the comparison, a process of its own. One thread serves all connections.
@main
struct BenchmarkServer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "benchmark-server",
        abstract: "Answers the calls of the comparison over TLS and HTTP/2 on 127.0.0.1, from memory.",
        discussion: "Prints one line of JSON once it listens (url, caFile), and ends when its standard input does."
    )

    @Option(help: "The TCP port; 0 takes any free one.")
    var port = 0

    @Option(
        help: ArgumentHelp(
            "Respond as the simulator does; its time is the number of nanoseconds in this file.", valueName: "file"))
    var clock: String?

    @Option(help: "With --clock: how many jobs are scheduled.")
    var jobs = 0

    @Option(help: "With --clock: the jobs' only rule.")
    var rule: String?

    func run() async throws {
        let authority = FileManager.default.temporaryDirectory
            .appendingPathComponent("benchmark-ca-\(UUID().uuidString.lowercased()).pem")
        try Data(TestCertificate.authority.utf8).write(to: authority, options: .withoutOverwriting)
        defer { try? FileManager.default.removeItem(at: authority) }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let channel = try await listen(group: group)
        let ready = Ready(url: "https://127.0.0.1:\(channel.localAddress?.port ?? 0)", caFile: authority.path)
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        FileHandle.standardOutput.write(try encoder.encode(ready) + [UInt8(ascii: "\n")])
        await Self.waitForEndOfInput()
        // Connections end with the process: closing them in order would wait for the other side's farewell.
        try await channel.close()
    }

    private struct Ready: Encodable {
        var url: String
        var caFile: String
    }

    private func responses() throws -> any ResponseSource {
        guard let clock else { return PreparedAnswers.shared }
        guard let time = SharedTime(path: clock) else { throw ValidationError("\(clock) cannot be mapped.") }
        return SimulatorResponses(jobs: jobs, rule: rule, time: time)
    }

    private func listen(group: MultiThreadedEventLoopGroup) async throws -> any Channel {
        let context = try NIOSSLContext(configuration: Self.tlsConfiguration())
        let responses = try responses()
        let counts = ServerCounts()
        return try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 2048)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                counts.countConnection()
                return channel.eventLoop.makeCompletedFuture {
                    let negotiation = ApplicationProtocolNegotiationHandler { result, channel in
                        guard result == .negotiated("h2") else { return channel.close() }
                        return channel.eventLoop.makeCompletedFuture {
                            try channel.pipeline.syncOperations.addHandler(
                                HTTP2Connection(responses: responses, counts: counts))
                        }
                    }
                    try channel.pipeline.syncOperations.addHandlers([
                        NIOSSLServerHandler(context: context), negotiation,
                    ])
                }
            }
            .bind(host: "127.0.0.1", port: port).get()
    }

    private static func tlsConfiguration() throws -> TLSConfiguration {
        let certificate = try NIOSSLCertificate(bytes: Array(TestCertificate.certificate.utf8), format: .pem)
        let key = try NIOSSLPrivateKey(bytes: Array(TestCertificate.privateKey.utf8), format: .pem)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: [.certificate(certificate)], privateKey: .privateKey(key))
        configuration.applicationProtocols = ["h2"]
        return configuration
    }

    /// A thread of its own blocks in the read: nothing else can tell the end of a pipe without asking again and again.
    private static func waitForEndOfInput() async {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                while let data = try? FileHandle.standardInput.read(upToCount: 4096), !data.isEmpty {}
                continuation.resume()
            }
        }
    }
}
