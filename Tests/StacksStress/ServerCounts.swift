import HTTPTypes
import StacksCurl
import StacksTransport

/// What the server says has reached it.
struct ServerCounts {
    var connections = 0
    var requests = 0
    var repeated = 0

    /// Asks the server, over a transport of its own.
    static func ask(_ origin: String, _ configuration: CurlTransport.Configuration) async throws -> ServerCounts {
        let answer = try await withCurlTransport(configuration: configuration) { transport in
            try await transport.send(TransportRequest(method: .get, origin: origin, path: "/_counts"))
        }
        let text = String(decoding: answer.body, as: UTF8.self)
        return ServerCounts(
            connections: number("connections", in: text), requests: number("requests", in: text),
            repeated: number("repeated", in: text))
    }

    /// The number of that name in a flat JSON object.
    private static func number(_ name: String, in text: String) -> Int {
        let parts = text.split { "{},".contains($0) }
        guard let part = parts.first(where: { $0.hasPrefix("\"\(name)\":") }) else { return 0 }
        return Int(part.drop { $0 != ":" }.dropFirst()) ?? 0
    }
}
