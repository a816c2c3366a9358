import HTTPTypes
import StacksTransport

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension ScriptedAgent {
    /// How often an agent tries a request, and how long it waits in between.
    struct Retry {
        var attempts: Int
        var wait: Duration
        /// Whether each wait is twice as long as the one before.
        var doubles = false
        /// Refusals that another attempt does not change.
        var isFinal: @Sendable (Int) -> Bool = { (400..<500).contains($0) && $0 != 423 && $0 != 429 }

        static let never = Retry(attempts: 1, wait: .zero)
        static let registering = Retry(attempts: 30, wait: .seconds(10), isFinal: { $0 == 401 || $0 == 422 })
        static let connecting = Retry(attempts: 10, wait: .seconds(5), isFinal: { _ in false })
        static let acquiring = Retry(attempts: 7, wait: .seconds(2), doubles: true)
        static let acquiringOld = Retry(attempts: 10, wait: .seconds(3), isFinal: { $0 == 422 })
        static let starting = Retry(attempts: 7, wait: .seconds(2), doubles: true)
        static let uploading = Retry(attempts: 12, wait: .seconds(2), doubles: true) { (400..<500).contains($0) }
        static let finishing = Retry(attempts: 12, wait: .seconds(2), doubles: true)
        static let disconnecting = Retry(attempts: 4, wait: .seconds(1), isFinal: { _ in false })
    }
}

extension ScriptedAgent.Session {
    /// Sends a request, as often as `retry` says.
    ///
    /// - Returns: A successful response.
    /// - Throws: ``Failure`` for another one or for none, and `CancellationError`.
    func send(
        _ method: HTTPRequest.Method, _ path: String, token: String, json: JSONText? = nil, body: [UInt8]? = nil,
        fields: HTTPFields = [:], retry: ScriptedAgent.Retry
    ) async throws -> TransportResponse {
        var failure = Failure(message: "not sent")
        var wait = retry.wait
        for attempt in 0..<retry.attempts {
            if attempt > 0 {
                try await agent.clock.sleep(for: wait)
                wait = retry.doubles ? wait * 2 : retry.wait
            }
            do {
                let response = try await agent.transport.send(
                    request(method, path, token: token, json: json, body: body, fields: fields, attempt: attempt))
                if response.status.kind == .successful { return response }
                failure = Failure(response, version: agent.version, path: path)
                if retry.isFinal(response.status.code) { break }
                if agent.version.isRecent, let seconds = response.headerFields[.retryAfter].flatMap({ Int($0) }) {
                    wait = .seconds(min(max(0, seconds), 3600))
                }
            } catch let error as TransportError {
                failure = Failure(message: "\(error)")
            }
            try Task.checkCancellation()
        }
        throw failure
    }

    private func request(
        _ method: HTTPRequest.Method, _ path: String, token: String, json: JSONText?, body: [UInt8]?,
        fields: HTTPFields, attempt: Int
    ) -> TransportRequest {
        var fields = fields
        fields[.authorization] = "Token \(token)"
        fields[.userAgent] = "buildkite-agent/\(agent.version.number).x (linux; amd64)"
        if json != nil { fields[.contentType] = "application/json" }
        if agent.version.isRecent, path.hasSuffix("/acquire") {
            if let name = HTTPField.Name("X-Buildkite-Lock-Acquire-Job") { fields[name] = "1" }
            if let name = HTTPField.Name("X-Buildkite-Backoff-Sequence") { fields[name] = String(attempt) }
        }
        return TransportRequest(
            method: method, origin: agent.origin, path: "\(agent.basePath)/\(path)", headerFields: fields,
            // A real agent's encoder ends each document with a line feed.
            body: json.map { $0.bytes + [UInt8(ascii: "\n")] } ?? body)
    }

    func decode<Body: Decodable>(_ type: Body.Type, from response: TransportResponse) throws -> Body {
        do {
            return try JSONDecoder().decode(type, from: Data(response.body))
        } catch {
            throw Failure(message: "The response cannot be decoded: \(error)")
        }
    }
}

extension ScriptedAgent.Session.Failure {
    fileprivate init(_ response: TransportResponse, version: ScriptedAgent.Version, path: String) {
        struct Body: Decodable { var message: String }
        let message = (try? JSONDecoder().decode(Body.self, from: Data(response.body)))?.message ?? ""
        self.init(message: "\(response.status.code) \(message)")
        if version.isRecent, path.hasSuffix("/acquire") {
            switch response.status.code {
            case 422: exitStatus = 27
            case 423: exitStatus = 28
            default: exitStatus = 1
            }
        }
    }
}
