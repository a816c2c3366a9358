import Testing

@testable import StacksAPI

/// What the typed readers make of values.
@Suite struct JSONReadingTests {
    private func read<Value>(
        _ document: String, _ body: (inout JSONReader) throws(JSONError) -> Value
    ) throws(JSONError) -> Value {
        try JSONReader.read(Array(document.utf8), body)
    }

    private func string(_ document: String) throws(JSONError) -> String {
        try read(document) { (reader) throws(JSONError) in try reader.string() }
    }

    private func int(_ document: String) throws(JSONError) -> Int {
        try read(document) { (reader) throws(JSONError) in try reader.int() }
    }

    @Test("strings of every length, with special bytes at every position, are decoded correctly")
    func readsStrings() throws {
        for special in ["", "é", "😀", "\"", "\\", "\n", "\u{7F}"] {
            for length in 0..<40 {
                for place in [0, length / 2, length] {
                    let text =
                        String(repeating: "a", count: place) + special + String(repeating: "b", count: length - place)
                    let document = JSONWriter.bytes(capacity: JSONWriter.size(text)) { $0.string(text) }
                    let result = try JSONReader.read(document) { (reader) throws(JSONError) in try reader.string() }
                    #expect(result == text)
                }
            }
        }
    }

    @Test(
        "escape sequences are resolved",
        arguments: [
            (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"), (#""\u0041\u00e9\u20AC""#, "Aé€"),
            (#""\ud83d\ude00""#, "😀"), (#""\uD83D\uDE00!""#, "😀!"), (#""\udbff\udfff""#, "\u{10FFFF}"),
            (#""\u0000""#, "\0"),
            (#""\ufffe\uffff""#, "\u{FFFE}\u{FFFF}"),
        ])
    func resolvesEscapes(_ document: String, _ text: String) throws {
        #expect(try string(document) == text)
    }

    @Test(
        "integers are decoded in every notation",
        arguments: [
            ("0", 0), ("-0", 0), ("7", 7), ("-12", -12), ("1.0", 1), ("1e3", 1000), ("-2.5e1", -25), ("120e-1", 12),
            ("9223372036854775807", .max), ("-9223372036854775808", .min),
            ("999999999999999999", 999_999_999_999_999_999),
            ("0.0", 0), ("-0.0", 0), ("9007199254740991.0", 9_007_199_254_740_991),
        ])
    func readsIntegers(_ document: String, _ value: Int) throws {
        #expect(try int(document) == value)
    }

    @Test(
        "numbers that are not integers or do not fit are errors",
        arguments: [
            "9223372036854775808", "-9223372036854775809", "1.5", "1e-1", "1e19", "1e400", "9007199254740993.0",
        ])
    func refusesOtherNumbers(_ document: String) {
        #expect(throws: JSONError(reason: .numberOutOfRange, offset: 0)) { try int(document) }
    }

    @Test("the error names a value of another type")
    func namesTheType() {
        for (document, found) in [
            ("1", "a number"), ("null", "null"), ("true", "a boolean"), ("{}", "an object"), ("[]", "an array"),
        ] {
            #expect(throws: JSONError(reason: .wrongType(found: found, expected: "a string"), offset: 0)) {
                try string(document)
            }
        }
    }

    @Test("a key may be written with escapes")
    func readsEscapedKeys() throws {
        let job = try read(#"{"\u0069d":"x","\u0065nv":{"\u0041\n":"1","B":"2"},"":0}"#, Job.read)
        #expect(job == Job(id: "x", environment: ["A\n": "1", "B": "2"]))
    }

    @Test("if a name occurs twice, the last value counts")
    func takesTheLastDuplicate() throws {
        let job = try read(
            #"{"id":"a","command":"x","id":"b","env":{"A":"1","A":"2","B":"3","B":null},"command":null}"#, Job.read)
        #expect(job == Job(id: "b", environment: ["A": "2"]))
    }

    @Test("a remembered value is used only for the same bytes")
    func remembersTheSameBytes() throws {
        let document =
            #"{"jobs":[{"id":"1","agent_query_rules":["a"]},{"id":"2","agent_query_rules":["a"]},"#
            + #"{"id":"3","agent_query_rules":["a","b"]},{"id":"4","agent_query_rules":[ "a" ]},"#
            + #"{"id":"5","agent_query_rules":null},{"id":"6","agent_query_rules":[]}]}"#
        let page = try read(document, ScheduledJobsPage.read)
        #expect(page.jobs.map(\.agentQueryRules) == [["a"], ["a"], ["a", "b"], ["a"], [], []])
    }

    @Test("lists with repeated values are decoded correctly, however many values there are")
    func remembersSeveralValues() throws {
        let rules = (0..<200).map { index in (0...(index * 7 % 12)).map { "rule \($0)" } }
        let jobs = rules.enumerated().map { index, rules in #"{"id":"\#(index)","agent_query_rules":\#(rules)}"# }
        let page = try read(#"{"jobs":[\#(jobs.joined(separator: ","))]}"#, ScheduledJobsPage.read)
        #expect(page.jobs.map(\.agentQueryRules) == rules)
        let states = (0..<200).map { (id: "\($0)", state: "state \($0 * 7 % 12)") }
        let document = states.map { #""\#($0.id)":"\#($0.state)""# }.joined(separator: ",")
        let read = try read(#"{"states":{\#(document)}}"#, JobStates.read).states
        #expect(read == Dictionary(uniqueKeysWithValues: states.map { (JobID($0.id), JobState(rawValue: $0.state)) }))
    }

    @Test("objects of a list are decoded with keys in any order and notation, repeated or missing")
    func readsKeysInAnyOrder() throws {
        let documents = [
            #"{"id":"1","priority":1,"step":{"key":"a"}}"#, #"{"id":"2","priority":2,"step":{"key":"b"}}"#,
            #"{"priority":3,"id":"3","step":{"key":"c"}}"#, #"{"id":"4","step":{"key":"d"},"priority":4}"#,
            #"{"id":"5","priority":0,"priority":5,"step":{"key":"e"}}"#, #"{"id":"6"}"#, #"{"id" : "7","priority" :7}"#,
            #"{"\u0069d":"8","priorit\u0079":8}"#, #"{"\u0069d":"9","priorit\u0079":9}"#,
            #"{"id":"10","new":{"priority":1},"priority":10}"#, #"{"id":"11","new":[],"priority":11}"#,
            #"{"id":"12","priority_":1,"priorit":2}"#,
        ]
        let page = try read(#"{"jobs":[\#(documents.joined(separator: ","))]}"#, ScheduledJobsPage.read)
        #expect(page.jobs.map(\.id) == (1...12).map { JobID("\($0)") })
        #expect(page.jobs.map(\.priority) == [1, 2, 3, 4, 5, 0, 7, 8, 9, 10, 11, 0])
        #expect(page.jobs.map(\.step.key) == ["a", "b", "c", "d", "e", nil, nil, nil, nil, nil, nil, nil])
    }

    @Test(
        "an object with a comma too many or too few is malformed after one with the same keys too",
        arguments: [
            #"{"id":"2" "priority":2}"#, #"{,"id":"2","priority":2}"#, #"{"id":"2",,"priority":2}"#,
            #"{"id":"2","priority":2,}"#, #"{"id":"2","priority":2 "id":"2"}"#, #"{"id":"2","priority":2"step":{}}"#,
        ])
    func refusesMisplacedCommas(_ document: String) {
        #expect(throws: JSONError.self) {
            try read(#"{"jobs":[{"id":"1","priority":1},\#(document)]}"#, ScheduledJobsPage.read)
        }
    }

    @Test(
        "a string equals its other Unicode spellings, whether it was sent as bytes or as escapes",
        arguments: [#""é""#, #""\u00e9""#, #""e\u0301""#, #""\u0065\u0301""#, "\"e\u{301}\""])
    func readsAsUnicode(_ document: String) throws {
        let long = #""a text of more than fifteen bytes, "# + document.dropFirst()
        #expect(try string(document) == "e\u{301}")
        #expect(try string(long) == "a text of more than fifteen bytes, \u{E9}")
        #expect(try string(long).hashValue == "a text of more than fifteen bytes, e\u{301}".hashValue)
    }
}
