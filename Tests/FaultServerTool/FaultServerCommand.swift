import ArgumentParser
import FaultServer
import Foundation

/// The well-behaved server as a program, for tests and measurements whose server must not share their process.
@main
struct FaultServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fault-server",
        abstract: "Answers HTTP requests on 127.0.0.1, for tests.",
        discussion: """
            Prints one line of JSON once it listens (url, port, and with --tls caFile), and ends when its standard \
            input does. /echo returns the body, /bytes/N so many bytes, /status/N that status, /delay/MS waits, /never \
            does not respond, /_counts counts; paths of the Stacks API get documents of the right shape.
            """
    )

    @Flag(help: "Serve TLS, with HTTP/2 and HTTP/1.1, under a test certificate for localhost and 127.0.0.1.")
    var tls = false

    @Option(help: "The TCP port; 0 takes any free one.")
    var port = 0

    @Option(help: "How many threads serve connections.")
    var threads = 1

    mutating func validate() throws {
        guard (0...65_535).contains(port) else { throw ValidationError("--port must be between 0 and 65535.") }
        guard (1...64).contains(threads) else { throw ValidationError("--threads must be between 1 and 64.") }
    }

    func run() async throws {
        let server = try await BehavedServer.start(isSecure: tls, port: port, threads: threads)
        let authority = tls ? try Self.writeAuthority() : nil
        defer { if let authority { try? FileManager.default.removeItem(at: authority) } }
        let ready = Ready(url: server.origin, port: server.port, caFile: authority?.path)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        FileHandle.standardOutput.write(try encoder.encode(ready) + [UInt8(ascii: "\n")])
        await Self.waitForEndOfInput()
        try await server.stop()
    }

    private struct Ready: Encodable {
        var url: String
        var port: Int
        var caFile: String?
    }

    private static func writeAuthority() throws -> URL {
        let file = FileManager.default.temporaryDirectory
            .appendingPathComponent("fault-server-ca-\(UUID().uuidString.lowercased()).pem")
        try Data(BehavedServer.authority.utf8).write(to: file, options: .withoutOverwriting)
        return file
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
