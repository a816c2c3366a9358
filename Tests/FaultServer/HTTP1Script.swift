/// HTTP/1.1 on a scripted connection: it parses requests; the script writes the responses.
public struct HTTP1Script: ScriptedExchanges {
    public let connection: ScriptedConnection

    public init(connection: ScriptedConnection) { self.connection = connection }

    public func next() async throws -> (any ScriptedExchange)? {
        guard let head = try await connection.read(upTo: "\r\n\r\n") else { return nil }
        let lines = head.split(separator: "\r\n", omittingEmptySubsequences: true)
        let words = (lines.first ?? "").split(separator: " ")
        guard words.count == 3 else { return nil }
        var request = ReceivedRequest(
            method: String(words[0]), path: String(words[1]),
            fields: lines.dropFirst().compactMap { line in
                let parts = line.split(separator: ":", maxSplits: 1)
                guard parts.count == 2 else { return nil }
                return (parts[0].lowercased(), String(parts[1].drop { $0 == " " }))
            }, connection: connection.number)
        connection.log.note(request)
        if request["expect"] == "100-continue" { try await connection.write("HTTP/1.1 100 Continue\r\n\r\n") }
        if let length = request["content-length"].flatMap({ Int($0) }), length > 0 {
            guard let body = try await connection.read(count: length) else { return nil }
            request.body = body
        }
        return Exchange(request: request, connection: connection)
    }

    private struct Exchange: ScriptedExchange {
        var request: ReceivedRequest
        var connection: ScriptedConnection

        func head(_ status: Int, _ fields: [(String, String)], isLast: Bool) async throws {
            let lines = ["HTTP/1.1 \(status) Status"] + fields.map { "\($0.0): \($0.1)" }
            try await connection.write(lines.joined(separator: "\r\n") + "\r\n\r\n")
        }

        func body(_ bytes: [UInt8], isLast: Bool) async throws { try await connection.write(bytes) }

        func reset() async throws { await connection.reset() }
    }
}
