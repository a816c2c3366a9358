import HTTPTypes
import Logging
import StacksTesting
import StacksTransport
import Testing

@testable import StacksAPI

@Suite("An agent token is used as it was meant")
struct AgentTokenTests {
    @Test("a line end after it is not part of it", arguments: ["\n", "\r\n", "\r", "\n\n", "\r\n\r\n"])
    func lineEnd(end: String) async throws {
        for isProvided in [false, true] {
            let log = RecordedLog()
            let transport = InMemoryTransport(script: [.answer(.ok, #"{"message":"bkct_t0ken"}"#)])
            let client =
                isProvided
                ? try StacksClient(
                    tokenProvider: TokenProvider { Secret("bkct_t0ken\(end)") }, transport: transport,
                    logger: log.logger(.debug))
                : try StacksClient(token: "bkct_t0ken\(end)", transport: transport, logger: log.logger(.debug))
            _ = try await client.tokenIdentity()
            #expect(transport.requests.map { $0.headerFields[.authorization] } == ["Token bkct_t0ken"])
            #expect(log.lines.first?.level == .debug)
            #expect(log.lines.first?.message.contains("line end") == true)
            #expect(!log.text.contains("t0ken\n") && !log.text.contains("bkct_t0ken"))
        }
    }

    @Test("a token without one is not spoken of")
    func noNote() throws {
        let log = RecordedLog()
        _ = try StacksClient(
            token: "bkct_t0ken", transport: InMemoryTransport(script: []), logger: log.logger(.trace))
        #expect(log.lines.isEmpty)
    }

    @Test(
        "what no token has is named with its place, and nothing else of the token",
        arguments: [
            ("bkct_a\nb", "a line feed after 6 characters"), ("bkct_a\r\nb\n", "a carriage return after 6"),
            ("bkct_a b", "a space after 6"), (" bkct_a", "a space after 0"), ("bkct_a \n", "a space after 6"),
            ("bkct_a\tb", "a tab after 6"), ("bkct_a\u{0}b", "the control character U+0000 after 6"),
            ("bkct_a\u{1B}b", "the control character U+001B after 6"), ("bkct_a\u{7F}", "U+007F after 6"),
            ("bkct_aé", "outside ASCII after 6"),
            ("bkct_" + String(repeating: "a", count: 7996), "8001 characters; it can have at most 8000"), ("", "empty"), ("\n", "empty"), ("\r\n", "empty"),
        ])
    func unusable(token: String, named: String) async throws {
        let error = #expect(throws: ConfigurationError.self) {
            try StacksClient(token: token, transport: InMemoryTransport(script: []))
        }
        #expect(error?.message.contains(named) == true, "\(error as Any)")
        let client = try StacksClient(
            tokenProvider: TokenProvider { Secret(token) }, transport: InMemoryTransport(script: []))
        let provided = try await failure { _ = try await client.tokenIdentity() }
        #expect(provided.code == .unauthorized)
        #expect(provided.message.contains("provider") && provided.message.contains(named), "\(provided)")
        for text in [error?.message ?? "", provided.message] { #expect(!text.contains("bkct_")) }
    }

    @Test("a token of 8000 characters is sent, with a line end after it too", arguments: ["", "\n"])
    func longest(end: String) async throws {
        let token = "bkct_" + String(repeating: "a", count: 7995)
        let transport = InMemoryTransport(script: [.answer()])
        _ = try await StacksClient(token: token + end, transport: transport).tokenIdentity()
        #expect(transport.requests.map { $0.headerFields[.authorization] } == ["Token \(token)"])
    }
}
