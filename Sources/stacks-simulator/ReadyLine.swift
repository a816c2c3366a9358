#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The one line of JSON that says where the simulator listens.
struct ReadyLine: Encodable {
    var url: String
    /// Where the control endpoints are.
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

    init(
        scheme: String, host: String, port: Int, basePath: String, caFile: String?, token: String, queues: [String],
        seed: UInt64
    ) {
        // The certificate names localhost; without TLS the address itself spares a client the look-up.
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
    }

    /// Writes the line to standard output at once: a pipe would otherwise keep it until it has a block of them.
    func print() {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard var line = try? encoder.encode(self) else { return }
        line.append(UInt8(ascii: "\n"))
        var rest = Array(line)[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            guard written > 0 else { return }
            rest = rest.dropFirst(written)
        }
    }
}
