import ServiceLifecycle
import StacksTesting
import StandardStreams

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The line of JSON with the addresses of the simulator.
struct ReadyLine: Encodable {
    var url: String
    /// The base URL of the control endpoints.
    var control: String
    var address: String
    var port: Int
    /// The CA that a client has to trust, with TLS.
    var caFile: String?
    /// The agent token.
    var token: String
    /// The first queue.
    var queue: String
    var queues: [String]
    var seed: UInt64
    /// The organizations and their tokens, if there are others than the first with its token.
    var organizations: [Organization]?

    struct Organization: Encodable {
        var slug: String
        var tokens: [String]

        static func all(
            _ settings: [StacksSimulator.Organization], of simulator: StacksSimulator
        ) -> [Organization]? {
            guard settings.count > 1 || settings.contains(where: { !$0.moreTokens.isEmpty }) else { return nil }
            return settings.map { organization in
                let token = simulator.token(organization: organization.slug) ?? ""
                return Organization(slug: organization.slug, tokens: [token] + organization.moreTokens)
            }
        }
    }

    init(
        scheme: String, host: String, port: Int, basePath: String, caFile: String?, token: String, queues: [String],
        seed: UInt64, organizations: [Organization]? = nil
    ) {
        // The certificate is for localhost; without TLS, the address saves clients a look-up.
        let urlHost = scheme == "https" ? "localhost" : host == "::1" ? "[::1]" : host
        url = "\(scheme)://\(urlHost):\(port)\(basePath)"
        control = "\(scheme)://\(urlHost):\(port)/_simulator"
        address = host
        self.port = port
        self.caFile = caFile
        self.token = token
        queue = queues[0]
        self.queues = queues
        self.seed = seed
        self.organizations = organizations
    }

    /// Writes the line to standard output at once, without a buffer.
    ///
    /// - Throws: An error if the line cannot be written: the program that waits for it would wait without end.
    func print() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try StandardOutput.write(String(decoding: try encoder.encode(self), as: UTF8.self))
    }
}

/// Prints the ready line, and ends the program if that fails.
struct Announcement: Service {
    private let failures: AsyncStream<any Error>
    private let failure: AsyncStream<any Error>.Continuation

    init() { (failures, failure) = AsyncStream.makeStream() }

    func make(_ line: ReadyLine) {
        do { try line.print() } catch { failure.yield(error) }
    }

    func run() async throws {
        for await failure in failures.cancelOnGracefulShutdown() { throw failure }
    }
}
