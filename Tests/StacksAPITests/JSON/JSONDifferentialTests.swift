import DocumentProof
import Testing

/// The readers against Foundation's decoder: what both accept has to be the same values, and neither accepts what the
/// other refuses, over every document of the API and over broken ones. The seeds are fixed. `Scripts/fuzz
/// --differential` does the same a million times.
@Suite struct JSONDifferentialTests {
    @Test("broken documents are read or refused as Foundation reads or refuses them", arguments: DocumentKind.allCases)
    func agreesWithFoundation(_ kind: DocumentKind) {
        var differential = Differential()
        differential.run(kind, mutations: 8000, seed: 7)
        #expect(differential.disagreementCount == 0, "\(differential.summary)")
        // The good ones at least; were there none of them, agreeing would mean nothing.
        #expect(differential.accepted > 400)
        #expect(differential.documents - differential.accepted > 4000)
    }

    @Test(
        "where the client is meant to judge otherwise, it does",
        arguments: [
            (.job, #"{"id":"a","id":"b"}"#, .valuesDiffer, .duplicateName),
            (.job, #"{"id":"a","id":7}"#, .onlyFoundationAccepts, .duplicateName),
            (.job, #"{"id":null,"id":"b"}"#, .onlyClientAccepts, .duplicateName),
            (.scheduledJobs, #"{"jobs":[{"id":"a","x":"\ud800"},{"id":"b"}]}"#, .onlyClientAccepts, .brokenText),
            (.job, #"{"id":"a","x":\#(nested(128))}"#, .onlyFoundationAccepts, .depth),
            (.job, #"{"id":"a","x":1e400}"#, .onlyClientAccepts, .hugeNumber),
            (
                .notificationResult, #"{"errors":[{"indexes":[9007199254740993.0]}]}"#, .valuesDiffer, .roundedInteger
            ),
            (.reservation, #"{"reserved":["a",]}"#, .onlyFoundationAccepts, .trailingComma),
            (.reservation, #"{"reserved":[],}"#, .onlyFoundationAccepts, .trailingComma),
        ] as [(DocumentKind, String, Verdict, IntendedDifference)])
    func judgesOtherwise(_ kind: DocumentKind, _ document: String, _ verdict: Verdict, _ reason: IntendedDifference) {
        let document = Array(document.utf8)
        #expect(kind.verdict(on: document) == verdict)
        #expect(IntendedDifference.explanation(of: verdict, on: document, as: kind) == reason)
    }

    @Test(
        "what Foundation accepts as well, with the same values",
        arguments: [
            (.job, "\u{FEFF}{\"id\":\"a\"}"), (.scheduledJobs, #"{"jobs":null}"#),
            (.reservation, #"{"reserved":null,"not_reserved":null}"#), (.jobStates, #"{"states":null}"#),
            (.acquisitionTokens, #"{"job_acquisition_tokens":null,"not_issued":null}"#),
            (.notificationResult, #"{"errors":null}"#),
            (.scheduledJobs, #"{"jobs":[{"id":"a"},{"id":"b","scheduled_at":""},null,7,[],{},{"id":""},{"id":"c"}]}"#),
        ] as [(DocumentKind, String)])
    func bothAccept(_ kind: DocumentKind, _ document: String) {
        let verdict = kind.verdict(on: Array(document.utf8))
        #expect(verdict == .bothAccept)
    }

    @Test(
        "what Foundation refuses as well",
        arguments: [
            #"{"id":"\ud800"}"#, #"{"id":"\udc00\ud800"}"#, #"{"id":"a","x":"\ud800"}"#, #"{"id":"a","x":01}"#,
            #"{"id":"a","x":"\u{1}"}"#, #"{"id":"a"} {}"#, #"{"id":"a","x":NaN}"#, #"{"id":"a","x":'b'}"#,
        ])
    func bothRefuse(_ document: String) {
        let verdict = DocumentKind.job.verdict(on: Array(document.utf8))
        #expect(verdict == .bothRefuse)
    }

    private static func nested(_ depth: Int) -> String {
        String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
}
