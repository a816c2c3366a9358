import HTTPTypes
import StacksTesting
import StacksTransport
import Synchronization
import Testing

@testable import StacksAPI

/// How often bytes are looked at, which is what the work of a scrubber grows with.
private struct CountedBytes: RandomAccessCollection {
    let bytes: [UInt8]
    let looks: Looks

    final class Looks: Sendable {
        let count = Atomic(0)
    }

    var startIndex: Int { 0 }
    var endIndex: Int { bytes.count }

    subscript(index: Int) -> UInt8 {
        looks.count.add(1, ordering: .relaxed)
        return bytes[index]
    }
}

@Suite("The search for credentials takes time linear in the text")
struct ScrubberTests {
    private func looks(at text: String, repeated count: Int, ending: String = "") -> Int {
        let looks = CountedBytes.Looks()
        let bytes = CountedBytes(bytes: Array((String(repeating: text, count: count) + ending).utf8), looks: looks)
        var scrubber = Scrubber(bytes, tokens: [Array("bkct_bkct_bkct_!".utf8), Array("aaaaaaaaaaaaaaab".utf8)])
        _ = scrubber.scrubbed(limit: .max)
        return looks.count.load(ordering: .relaxed)
    }

    /// Every form that a look ahead begins at, over and over.
    static let texts = [
        "bk.", "bk", "bk-", "bk_", "bkct.", "%20bk.", #"\nbk"#, #"\u0020bk"#, "bkct_1234567", "bkct_12345678 ",
        "bkct_bkct_",
        "a", "://", "x://a:b", "x://a:b/", "x://a:b?", "x://a:b#/", "x://[a:b/", "http://a@b ", "http://a:b/c", "/",
        ":", "=",
        "authorization:", "authorization: ", "authorization: [", #"authorization:\"#, #"authorization:\\\\""#,
        "authorization=authorization:", #"authorization"""""""":"#, "authorization: : :", " ", "[", #"\"#, "@", "é",
        "\u{0}",
    ]

    @Test("twice the text takes twice the work, whatever the text", arguments: texts)
    func isLinear(text: String) {
        for ending in ["", "@", "\"", "_123456789"] {
            let once = looks(at: text, repeated: 2000, ending: ending)
            let twice = looks(at: text, repeated: 4000, ending: ending)
            #expect(twice <= 2 * once + 1000, "\(once), and then \(twice)")
            // One look at each byte, the tokens' lengths, and the few looks around it.
            #expect(twice <= 100 * 4000 * text.utf8.count)
        }
    }

    @Test("after a run of one form comes a run of another", arguments: texts)
    func isLinearAfterARun(text: String) {
        for first in ["authorization: ", "x://a:b/", "http://", #"authorization:\"#] {
            let once = looks(at: first + String(repeating: text, count: 2000), repeated: 1)
            let twice = looks(at: first + String(repeating: text, count: 4000), repeated: 1)
            #expect(twice <= 2 * once + 1000, "\(once), and then \(twice)")
        }
    }

    @Test("the search ends at the limit, except within a credential")
    func limit() {
        let looks = CountedBytes.Looks()
        let bytes = CountedBytes(bytes: Array(String(repeating: "bk.", count: 100_000).utf8), looks: looks)
        var scrubber = Scrubber(bytes, tokens: [])
        let scrubbed = scrubber.scrubbed(limit: 300)
        #expect(scrubbed.count == 300)
        #expect(looks.count.load(ordering: .relaxed) < 20_000)
    }

    @Test(
        "the error of a response with a large body keeps its beginning",
        arguments: ["bk.", "x://a:b/", "authorization:"])
    func largeBody(text: String) async throws {
        let text = String(repeating: text, count: (2 << 20) / text.utf8.count)
        for (body, hasMessage) in [(text, false), (#"{"message":"\#(text)"}"#, true)] {
            let bed = try Testbed([.response(.unprocessableContent, body)])
            let error = try await failure { _ = try await bed.client.tokenIdentity() }
            #expect((1...StacksAPIError.maximumBodySize).contains(error.body.count))
            #expect((error.serverMessage != nil) == hasMessage)
            #expect((error.serverMessage ?? "").unicodeScalars.count <= 1001)
        }
    }

    @Test(
        "a password with a slash is redacted up to the last @, unless a port precedes the slash",
        arguments: [
            ("see http://u:s3kret/x@a.example/p", "see http://[redacted]@a.example/p"),
            ("http://u:s3kret?x@a.example", "http://[redacted]@a.example"),
            ("http://u:s3kret/x@y@a.example \"z@b\"", "http://[redacted]@a.example \"z@b\""),
            ("http://a.example:80/x@y", "http://a.example:80/x@y"), ("http://[::1]:80/x@y", "http://[::1]:80/x@y"),
            ("http://a.example/x@y", "http://a.example/x@y"), ("http://u:p/x y@z", "http://u:p/x y@z"),
        ])
    func slashes(text: String, scrubbed: String) {
        #expect(Redaction().scrub(text) == scrubbed)
    }
}
