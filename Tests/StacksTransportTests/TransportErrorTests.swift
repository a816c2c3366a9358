import HTTPTypes
import StacksTransport
import Testing

@Suite("An error says how far the call had come")
struct TransportErrorTests {
    @Test("phases are in chronological order")
    func order() {
        #expect(TransportError.Phase.allCases == TransportError.Phase.allCases.sorted())
        #expect(TransportError.Phase.queued < .resolving)
        #expect(TransportError.Phase.waiting < .receiving)
    }

    @Test(
        "from the sending phase on, the server may have received the request", arguments: TransportError.Phase.allCases)
    func mayHaveReachedServer(phase: TransportError.Phase) {
        let error = TransportError(code: .other, phase: phase, message: "")
        #expect(error.mayHaveReachedServer == (phase >= .sending))
        #expect("\(error)".contains("the request was not sent") == (phase < .sending))
    }

    @Test("a request describes itself without its credentials")
    func redaction() {
        let request = TransportRequest(
            method: .post, origin: "https://a.example", path: "/v3/x",
            headerFields: [.authorization: "Token bkct_secret"], body: Array("bkjat_secret".utf8))
        var dumped = ""
        dump(request, to: &dumped)
        for text in ["\(request)", String(reflecting: request), dumped] {
            #expect(!text.contains("secret"), "\(text)")
            #expect(text.contains("POST /v3/x"), "\(text)")
        }
    }
}
