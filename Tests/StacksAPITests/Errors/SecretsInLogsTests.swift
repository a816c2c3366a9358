import HTTPTypes
import Logging
import StacksTesting
import StacksTransport
import Testing

@testable import StacksAPI

/// Whatever a server or a proxy says, and whatever is sent: no log line and no error shows a secret.
@Suite struct SecretsInLogsTests {
    private static let metadata = ["password": "hunter2", "note": SecretDocuments.token, "env": "hunter2"]
    private static let headerFields: HTTPFields = [
        .proxyAuthorization: "Basic cGE1NXdvcmQ=", .cookie: "session=hunter2",
        HTTPField.Name("X-Vault-Token")!: "hunter2", .referer: "https://user:pa55word@host/?t=\(SecretDocuments.token)",
    ]

    private static let calls: [@Sendable (StacksClient, CallOptions) async throws -> Void] = [
        { _ = try await $0.job(.sample, stack: "k", options: $1) },
        { _ = try await $0.issueJobAcquisitionTokens(for: [.sample], stack: "k", options: $1) },
        { _ = try await $0.tokenIdentity(options: $1) },
        { _ = try await $0.scheduledJobs(stack: "k", queue: "q", after: SecretDocuments.token, options: $1) },
        { _ = try await $0.registerStack(key: "k", metadata: metadata, options: $1) },
        { _ = try await $0.finishJob(.sample, stack: "k", exitStatus: 1, detail: SecretDocuments.token, options: $1) },
    ]

    private func step(_ documents: inout SecretDocuments) -> InMemoryTransport.Step {
        let document = documents.document()
        let statuses: [HTTPResponse.Status] = [
            .ok, .created, .badRequest, .unauthorized, .proxyAuthenticationRequired, .unprocessableContent,
            .tooManyRequests, .badGateway, .serviceUnavailable,
        ]
        let status = statuses[documents.number(below: statuses.count)]
        let fields: HTTPFields = [
            HTTPField.Name("X-Request-Id")!: documents.sentence().split(separator: "\n").joined(), .retryAfter: "0",
        ]
        switch documents.number(below: 8) {
        case 0: return .fail(TransportError(code: .proxy, phase: .connecting, message: documents.sentence()))
        case 1: return .fail(TransportError(code: .other, phase: .waiting, message: documents.sentence()))
        case 2: return .response(status, String(document.prefix(documents.number(below: document.count))), fields)
        case 3: return .response(status, "<html>\(documents.sentence())</html>", fields)
        default: return .response(status, document, fields)
        }
    }

    @Test("in 1000 random sequences of calls no log line of any level and no error contains a secret")
    func hidesSecrets() async throws {
        let levels = Logger.Level.allCases
        var (lines, errors) = (0, 0)
        for seed in 0..<UInt64(1000) {
            var documents = SecretDocuments(seed: seed)
            let bed = try Testbed(
                [step(&documents), step(&documents), step(&documents)], clock: LeapingClock(),
                logLevel: levels[Int(seed) % levels.count]
            ) {
                $0.logsPayloads = true
                $0.retryPolicy.maximumAttempts = 3
            }
            var shown = ""
            do {
                let call = Self.calls[documents.number(below: Self.calls.count)]
                try await call(bed.client, CallOptions(headerFields: Self.headerFields))
            } catch let error as StacksAPIError {
                errors += 1
                dump(error, to: &shown)
                shown += "\(error) \(String(reflecting: error)) \(error.serverMessage ?? "") "
                shown += "\(error.serverRequestID ?? "") \(error.underlying.map { "\($0)" } ?? "")"
            }
            lines += bed.log.lines.count
            let text = bed.log.text + shown
            for secret in SecretDocuments.secrets where text.contains(secret) {
                let place = text.firstRange(of: secret)
                Issue.record("seed \(seed): \(secret) in …\(place.map { text[..<$0.upperBound].suffix(200) } ?? "")")
            }
        }
        #expect(lines > 300 && errors > 300, "\(lines) lines, \(errors) errors")
    }

    @Test("no part of a credential is shown where a text is cropped")
    func cutsNoCredential() async throws {
        let token = SecretDocuments.token
        for size in (1000 - token.utf8.count - 2)...1001 {
            let message = String(repeating: "x", count: size) + token
            let bed = try Testbed([.response(.badRequest, #"{"message":"\#(message)"}"#)])
            let error = try await failure { _ = try await bed.client.tokenIdentity() }
            #expect(error.serverMessage?.contains("bkct") == false)
        }
        let limit = StacksAPIError.maximumBodySize
        for size in (limit - token.utf8.count - 2)...(limit + 1) {
            let bed = try Testbed([.response(.badRequest, String(repeating: " ", count: size) + token)])
            let error = try await failure { _ = try await bed.client.tokenIdentity() }
            #expect(!error.body.contains(UInt8(ascii: "b")))
            #expect(error.body.count <= limit)
        }
    }
}
