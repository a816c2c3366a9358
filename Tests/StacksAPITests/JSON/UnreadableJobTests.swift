import Testing

@testable import StacksAPI

@Suite("A job that cannot be read does not take its page with it")
struct UnreadableJobTests {
    private func page(_ jobs: String) throws -> ScheduledJobsPage {
        let document = #"{"jobs":[\#(jobs)],"page_info":{"has_next_page":true,"end_cursor":"c"}}"#
        return try JSONReader.read(Array(document.utf8), ScheduledJobsPage.read)
    }

    @Test(
        "it is left out, with the field and what is wrong with it",
        arguments: [
            (#"{"id":"x","scheduled_at":""}"#, "x", "scheduled_at", "a date is not in ISO 8601"),
            (#"{"scheduled_at":"soon","id":"x"}"#, "x", "scheduled_at", "a date is not in ISO 8601"),
            (#"{"id":"x","scheduled_at":7}"#, "x", "scheduled_at", "expected a date in a string, found a number"),
            (
                #"{"id":"x","agent_query_rules":["a=b",null]}"#, "x", "agent_query_rules[1]",
                "expected a string, found null"
            ),
            (#"{"id":"x","agent_query_rules":"a=b"}"#, "x", "agent_query_rules", "expected an array, found a string"),
            (#"{"id":"x","priority":1.5}"#, "x", "priority", "a number is not an integer or is out of range"),
            (#"{"id":"x","priority":1e99}"#, "x", "priority", "a number is not an integer or is out of range"),
            (#"{"id":"x","priority":"high"}"#, "x", "priority", "expected an integer, found a string"),
            (
                #"{"id":"x","build":{"branch":"a\ud800"}}"#, "x", "build.branch",
                "a string contains half of a surrogate pair"
            ),
            (
                #"{"id":"x","step":{"key":"\q"}}"#, "x", "step.key",
                "a string contains an escape that JSON does not have"
            ),
            (#"{"id":"x","pipeline":[]}"#, "x", "pipeline", "expected an object, found an array"),
            (#"{"id":"x","build":{"number":true}}"#, "x", "build.number", "expected an integer, found a boolean"),
            (#"{"\u0069d":"x","\ud800":"y","priority":0.5}"#, "x", "", "a string contains half of a surrogate pair"),
            (#"{"id":7}"#, nil, "id", "expected a string, found a number"),
            (#"{"id":null}"#, nil, "id", #"the field "id" is missing"#),
            (#"{"id":""}"#, "", "id", #"the field "id" is missing"#),
            (#"{"priority":1}"#, nil, "id", #"the field "id" is missing"#),
            ("{}", nil, "id", #"the field "id" is missing"#), ("null", nil, "", "expected an object, found null"),
            ("7", nil, "", "expected an object, found a number"),
            (#""x""#, nil, "", "expected an object, found a string"),
            (#"["x"]"#, nil, "", "expected an object, found an array"),
            (
                #"{"id":"x","later":{"\ud800":[1,{"a":"]}"}]}}"#, "x", "later",
                "a string contains half of a surrogate pair"
            ),
        ] as [(String, JobID?, String, String)])
    func isLeftOut(_ job: String, _ id: JobID?, _ field: String, _ reason: String) throws {
        let good = #"{"id":"good","priority":3,"agent_query_rules":["os=linux"]}"#
        for (jobs, position) in [("\(job),\(good)", 0), ("\(good),\(job)", 1)] {
            let page = try page(jobs)
            #expect(page.jobs == [ScheduledJob(id: "good", priority: 3, agentQueryRules: ["os=linux"])])
            #expect(page.unreadableJobs == [UnreadableJob(position: position, id: id, field: field, reason: reason)])
            #expect(page.pageInfo.endCursor == "c")
        }
    }

    @Test("positions are those of the list, however many are left out")
    func positions() throws {
        let jobs = (0..<100).map { $0 % 3 == 0 ? #"{"id":"\#($0)","priority":0.5}"# : #"{"id":"\#($0)"}"# }
        let page = try page(jobs.joined(separator: ","))
        #expect(page.jobs.map(\.id) == (0..<100).filter { $0 % 3 != 0 }.map { JobID("\($0)") })
        #expect(page.unreadableJobs.map(\.position) == Array(stride(from: 0, to: 100, by: 3)))
        #expect(page.unreadableJobs.map(\.id) == stride(from: 0, to: 100, by: 3).map { JobID("\($0)") })
    }

    @Test("what is remembered of the jobs before and after it is right")
    func memory() throws {
        let jobs = [
            #"{"id":"1","agent_query_rules":["a"],"priority":1}"#,
            #"{"id":"2","agent_query_rules":[null],"priority":2}"#,
            #"{"id":"3","priority":3,"agent_query_rules":["b"]}"#,
            #"{"agent_query_rules":["a"],"priority":"4","id":"4"}"#,
            #"{"id":"5","agent_query_rules":["a"],"priority":5}"#,
        ]
        let page = try page(jobs.joined(separator: ","))
        #expect(page.jobs.map(\.id) == ["1", "3", "5"])
        #expect(page.jobs.map(\.agentQueryRules) == [["a"], ["b"], ["a"]])
        #expect(page.jobs.map(\.priority) == [1, 3, 5])
        #expect(page.unreadableJobs.map(\.field) == ["agent_query_rules[0]", "priority"])
    }

    @Test(
        "where the document itself goes wrong there is no next job to go on with",
        arguments: [
            #"{"id":"x","priority":01}"#, #"{"id":"x","priority":}"#, #"{"id":"x" "priority":1}"#, #"{"id":"x""#,
            #"{"id":"x","a":"#, #"{"id":7,"a":nul}"#, #"{"id":7,}"#, #"{"id":"x\"}"#, "{]", "[}", "nul", "",
        ])
    func brokenDocuments(_ job: String) {
        #expect(throws: JSONError.self) { try page(#"{"id":"good"},\#(job)"#) }
    }

    @Test("text that is no UTF-8, or holds a control character, is the fault of its job")
    func brokenBytes() throws {
        for bytes: [UInt8] in [[0xFF], [0xED, 0xA0, 0x80], [0x0A], [0x00], [0xC3]] {
            let document =
                Array(#"{"jobs":[{"id":"x","build":{"branch":""#.utf8) + bytes + Array(#""}},{"id":"good"}]}"#.utf8)
            let page = try JSONReader.read(document, ScheduledJobsPage.read)
            #expect(page.jobs.map(\.id) == ["good"])
            #expect(page.unreadableJobs.map(\.field) == ["build.branch"])
        }
    }

    @Test("what is told of it moves no cursor and forges no line")
    func printable() throws {
        let jobs = ["\u{1B}[2J\n", "\u{202E}x"].map { "{\"id\":\"x\",\"\($0)\":\"\\ud800\"}" }
        let told = try page(jobs.joined(separator: ",")).unreadableJobs
        #expect(told.count == 2)
        #expect(told.allSatisfy { $0.description.unicodeScalars.allSatisfy { (" "..."\u{FFFD}").contains($0) } })
        #expect(told.allSatisfy { !$0.description.contains("\u{202E}") })
    }

    @Test("a page with more of them than a page has jobs is refused")
    func limit() throws {
        let some = Array(repeating: "7", count: UnreadableJob.maximum)
        #expect(try page(some.joined(separator: ",")).unreadableJobs.count == UnreadableJob.maximum)
        #expect(throws: JSONError.self) { try page((some + ["7"]).joined(separator: ",")) }
    }

    @Test("of a list that stands twice the last one counts, and so do the jobs that it leaves out")
    func duplicates() throws {
        let document = #"{"jobs":[{"id":7},{"id":"a"}],"jobs":[{"id":"b"}]}"#
        let page = try JSONReader.read(Array(document.utf8), ScheduledJobsPage.read)
        #expect(page.jobs.map(\.id) == ["b"])
        #expect(page.unreadableJobs.isEmpty)
    }

    @Test(
        "lists that are null are empty, and lists that are missing are not there",
        arguments: [#"{"jobs":null}"#, "\u{FEFF}{\"jobs\":null}"])
    func nullLists(_ document: String) throws {
        let page = try JSONReader.read(Array(document.utf8), ScheduledJobsPage.read)
        #expect(page == ScheduledJobsPage(jobs: []))
        #expect(throws: JSONError.self) { try JSONReader.read(Array("{}".utf8), ScheduledJobsPage.read) }
    }

    @Test(
        "a token that cannot be read is one that was not issued, and the others are",
        arguments: [
            (#"{"job_uuid":"x","job_acquisition_token":null}"#, "x"), (#"{"job_uuid":"x"}"#, "x"),
            (#"{"job_acquisition_token":7,"job_uuid":"x"}"#, "x"),
            (#"{"job_uuid":"x","job_acquisition_token":"a\ud800"}"#, "x"),
            (#"{"job_uuid":7,"job_acquisition_token":"a"}"#, nil), ("null", nil), ("[]", nil),
        ] as [(String, JobID?)])
    func tokens(_ token: String, _ id: JobID?) throws {
        let document =
            #"{"not_issued":["y"],"job_acquisition_tokens":[\#(token),{"job_uuid":"a","job_acquisition_token":"t"}]}"#
        let tokens = try JSONReader.read(Array(document.utf8), JobAcquisitionTokens.read)
        #expect(tokens.issued.map(\.job) == ["a"])
        #expect(tokens.notIssued == ["y"] + (id.map { [$0] } ?? []))
    }
}
