import Testing

@testable import StacksAPI

/// One unexpected value must not make a whole response useless, and must neither start a job nor lose one.
@Suite("An unexpected value of an optional field or of a list does not fail the response")
struct UnexpectedValueTests {
    private static func read<Value>(
        _ document: String, _ body: (inout JSONReader) throws(JSONError) -> Value
    ) throws(JSONError) -> Value {
        try JSONReader.read(Array(document.utf8), body)
    }

    /// Values of every kind that are no string, except null.
    static let noStrings = ["7", "-0.5e3", "true", "{}", #"{"a":[null]}"#, "[]", #"["running"]"#, #""\ud800""#]

    @Test("a state that is not a string is unreadable, and the job is not unknown to the server", arguments: noStrings)
    func states(_ value: String) throws {
        let states = try Self.read(#"{"states":{"a":\#(value),"b":"running","c":null}}"#, JobStates.read)
        #expect(states.states == ["b": .running])
        #expect(states.unreadableJobs == ["a"])
    }

    @Test("if a job has two states, the last one counts, readable or not")
    func duplicateStates() throws {
        let states = try Self.read(
            #"{"states":{"a":7,"a":"running","b":"running","b":7,"c":7,"c":null}}"#, JobStates.read)
        #expect(states == JobStates(states: ["a": .running], unreadableJobs: ["b"]))
    }

    @Test("an element that is not an identifier is left out of a list", arguments: noStrings + ["null"])
    func identifiers(_ value: String) throws {
        let reservation = try Self.read(
            #"{"reserved":["a",\#(value),"b"],"not_reserved":[\#(value),"c"]}"#, Reservation.read)
        #expect(reservation == Reservation(reserved: ["a", "b"], notReserved: ["c"]))
        let tokens = try Self.read(
            #"{"job_acquisition_tokens":[],"not_issued":["a",\#(value)]}"#, JobAcquisitionTokens.read)
        #expect(tokens.notIssued == ["a"])
    }

    @Test("a list that may be missing may be something else", arguments: ["7", "true", "{}", #""a""#])
    func lists(_ value: String) throws {
        #expect(
            try Self.read(#"{"reserved":["a"],"not_reserved":\#(value)}"#, Reservation.read)
                == Reservation(reserved: ["a"]))
        #expect(
            try Self.read(#"{"job_acquisition_tokens":[],"not_issued":\#(value)}"#, JobAcquisitionTokens.read)
                .notIssued.isEmpty)
        #expect(try Self.read(#"{"errors":\#(value)}"#, NotificationResult.read) == NotificationResult())
    }

    @Test(
        "a list that must be there must be a list",
        arguments: ["7", "true", "{}", #""a""#])
    func requiredLists(_ value: String) {
        #expect(throws: JSONError.self) { try Self.read(#"{"reserved":\#(value)}"#, Reservation.read) }
        #expect(throws: JSONError.self) {
            try Self.read(#"{"job_acquisition_tokens":\#(value)}"#, JobAcquisitionTokens.read)
        }
        #expect(throws: JSONError.self) { try Self.read(#"{"jobs":\#(value)}"#, ScheduledJobsPage.read) }
        #expect(throws: JSONError.self) { try Self.read(#"{"states":[\#(value)]}"#, JobStates.read) }
    }

    @Test("a token whose expiry is not a date is a token without one", arguments: noStrings + [#""""#, #""soon""#])
    func expiry(_ value: String) throws {
        let tokens = try Self.read(
            #"{"job_acquisition_tokens":[{"job_uuid":"a","job_acquisition_token":"t","expires_at":\#(value)}]}"#,
            JobAcquisitionTokens.read)
        #expect(tokens == JobAcquisitionTokens(issued: [JobAcquisitionToken(job: "a", token: Secret("t"))]))
    }

    @Test(
        "a stack keeps what can be decoded",
        arguments: [
            (#""last_connected_on":"""#, [:]), (#""last_connected_on":7"#, [:]), (#""metadata":[]"#, [:]),
            (#""metadata":7"#, [:]), (#""metadata":{"a":"b","c":7,"d":null,"e":["x"]}"#, ["a": "b"]),
            (#""cluster_queue_key":7"#, [:]), (#""cluster_queue_key":{"key":"q"}"#, [:]),
        ] as [(String, [String: String])])
    func stack(_ field: String, _ metadata: [String: String]) throws {
        let document = #"{"id":"s","organization_uuid":"o","key":"k","type":"custom","state":"lost",\#(field)}"#
        #expect(
            try Self.read(document, Stack.read)
                == Stack(id: "s", organizationUUID: "o", key: "k", metadata: metadata, state: .lost))
    }

    @Test(
        "a stack without what it must have is an error", arguments: ["id", "organization_uuid", "key", "type", "state"])
    func requiredFields(_ name: String) {
        let fields = ["id", "organization_uuid", "key", "type", "state"].map {
            #""\#($0)":\#($0 == name ? "7" : #""x""#)"#
        }
        #expect(throws: JSONError.self) { try Self.read("{\(fields.joined(separator: ","))}", Stack.read) }
    }

    @Test(
        "if has_next_page cannot be decoded, the cursor says whether a page follows",
        arguments: [
            (#""has_next_page":"false","end_cursor":"c""#, true, "c"),
            (#""has_next_page":7,"end_cursor":"c""#, true, "c"),
            (#""end_cursor":"c","has_next_page":[]"#, true, "c"), (#""has_next_page":"true""#, false, nil),
            (#""has_next_page":"true","end_cursor":"""#, false, ""),
            (#""has_next_page":"x","end_cursor":7"#, false, nil),
            (#""has_next_page":true,"end_cursor":42"#, true, nil),
            (#""has_next_page":false,"end_cursor":42"#, false, nil),
            (#""has_next_page":null,"end_cursor":"c""#, false, "c"), (#""end_cursor":"c""#, false, "c"),
        ] as [(String, Bool, String?)])
    func pages(_ fields: String, _ hasNextPage: Bool, _ cursor: String?) throws {
        let page = try Self.read(#"{"jobs":[{"id":"a"}],"page_info":{\#(fields)}}"#, ScheduledJobsPage.read)
        #expect(page.pageInfo == .init(hasNextPage: hasNextPage, endCursor: cursor))
        #expect(page.jobs.map(\.id) == ["a"])
    }

    @Test(
        "a queue that may be paused is paused: nothing may start on it",
        arguments: [
            (#"{"dispatch_paused":"false"}"#, true), (#"{"dispatch_paused":0}"#, true),
            (#"{"paused":{},"dispatch_paused":false}"#, true), ("7", true), ("[]", true), ("null", false),
            (#"{"dispatch_paused":null,"paused":false}"#, false), (#"{"id":7,"dispatch_paused":false}"#, false),
            (#"{"id":["q"],"paused":true}"#, true),
        ])
    func pauses(_ queue: String, _ isPaused: Bool) throws {
        let page = try Self.read(
            #"{"jobs":[{"id":"a"}],"cluster_queue":\#(queue),"page_info":7}"#, ScheduledJobsPage.read)
        #expect(page.clusterQueue == .init(isDispatchPaused: isPaused))
        #expect(page.pageInfo == .init())
    }

    @Test("failed notifications keep what can be decoded")
    func notifications() throws {
        let result = try Self.read(
            #"{"errors":[7,{"error":"x","indexes":[1,"2",null,3.5,4]},null,{"error":7,"indexes":"all"},[]]}"#,
            NotificationResult.read)
        #expect(
            result.failures == [
                NotificationFailure(error: "x", indexes: [1, 4]), NotificationFailure(error: "", indexes: []),
            ])
    }

    @Test("a token's identity keeps what can be decoded", arguments: noStrings)
    func identity(_ value: String) throws {
        #expect(
            try Self.read(#"{"uuid":\#(value),"cluster_uuid":"c"}"#, TokenIdentity.read)
                == TokenIdentity(clusterUUID: "c"))
    }

    @Test("an error's message and rate limit do not depend on each other's fields")
    func refusals() {
        #expect(DecoderEntryPoints.message(Array(#"{"message":"no","limit":"many"}"#.utf8)) == "no")
        #expect(DecoderEntryPoints.message(Array(#"{"message":7,"error":"no"}"#.utf8)) == nil)
    }

    @Test("what a job runs is decoded whole or not at all: a guess would run something else")
    func jobs() {
        for field in [#""command":7"#, #""command":"a\ud800""#, #""env":[]"#, #""env":{"A":7}"#] {
            #expect(throws: JSONError.self) { try Self.read(#"{"id":"a",\#(field)}"#, Job.read) }
        }
    }

    @Test(
        "a document that is malformed at such a value is still an error",
        arguments: [
            #"{"states":{"a":01}}"#, #"{"states":{"a":nul}}"#, #"{"states":{"a":[1,}}"#, #"{"states":{"a":{"b" 7}}}"#,
            #"{"states":{"a":"#, #"{"states":{"a":7"#, #"{"states":{"a":"x\"}}"#,
        ])
    func malformed(_ document: String) {
        #expect(throws: JSONError.self) { try Self.read(document, JobStates.read) }
    }
}
