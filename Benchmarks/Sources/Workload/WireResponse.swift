/// The server's responses: always 200, with the header fields of the Stacks API.
package enum WireResponse {
    /// The header fields besides `content-length`.
    ///
    /// The limit is one that no client here reaches: a client that paces its requests has all the work of it, and never
    /// waits.
    ///
    /// - Parameter call: The call whose documented scope they name; `nil` for the scope `default`.
    package static func fields(of call: Call? = nil) -> [(name: String, value: String)] {
        [
            ("content-type", "application/json; charset=utf-8"),
            ("cache-control", "max-age=0, private, must-revalidate"),
            ("ratelimit-scope", call?.rateScope ?? "default"),
            ("ratelimit-limit", "1000000"),
            ("ratelimit-remaining", "999999"),
            ("ratelimit-reset", "1"),
        ]
    }
}

extension Call {
    /// The rate-limit scope of the call's endpoint, by the documentation of the API.
    fileprivate var rateScope: String {
        switch self {
        case .states1, .states1000: "batch-load-job-states"
        case .job: "show-job"
        case .list100, .list1000: "list-scheduled-jobs"
        case .reserve1000: "batch-reserve"
        case .finish: "finish-job"
        case .notify1000: "stack-notification"
        }
    }
}

extension Call {
    /// The document of the call's response.
    package var response: [UInt8] {
        let jobs = Identifiers.jobs.prefix(jobCount)
        let text: String
        switch self {
        case .states1, .states1000:
            let names = ["scheduled", "reserved", "assigned", "running", "finished"]
            let states = jobs.enumerated().map { index, job in #""\#(job)":"\#(names[index % names.count])""# }
            text = #"{"states":{\#(states.joined(separator: ","))}}"#
        case .job:
            text = Self.jobDocument(id: jobs[0])
        case .list100, .list1000:
            text = Self.listing(jobs)
        case .reserve1000:
            text = #"{"reserved":[\#(jobs.map { #""\#($0)""# }.joined(separator: ","))],"not_reserved":[]}"#
        case .finish:
            text = "{}"
        case .notify1000:
            text = #"{"errors":[]}"#
        }
        return Array(text.utf8)
    }

    /// A listing as a busy queue has it: jobs of a few dozen pipelines, some of them side by side because one build
    /// made them, each with a build number, priority and rules of its own. About 345 bytes a job.
    private static func listing(_ jobs: ArraySlice<String>) -> String {
        var generator = SplitMix64(seed: 2)
        let pipelines = (0..<24).map { (slug: "service-\($0)", uuid: generator.nextUUID()) }
        var items: [String] = []
        var pipeline = pipelines[0]
        var build = (uuid: "", number: 0)
        for (index, job) in jobs.enumerated() {
            if index == 0 || generator.next() % 4 == 0 {
                pipeline = pipelines[Int(generator.next() % 24)]
                build = (generator.nextUUID(), Int(generator.next() % 20_000))
            }
            let rules =
                generator.next() % 3 == 0
                ? #"["queue=default"]"# : #"["queue=default","os=linux"]"#
            let second = 10 + index % 50
            items.append(
                #"{"id":"\#(job)","priority":\#(generator.next() % 3),"agent_query_rules":\#(rules),"#
                    + #""scheduled_at":"2026-03-01T08:30:\#(second).\#(100 + index % 900)Z","#
                    + #""pipeline":{"slug":"\#(pipeline.slug)","uuid":"\#(pipeline.uuid)"},"#
                    + #""build":{"uuid":"\#(build.uuid)","number":\#(build.number),"branch":"main"},"#
                    + #""step":{"key":"test-\#(index % 16)"}}"#)
        }
        return #"{"jobs":[\#(items.joined(separator: ","))],"page_info":{"has_next_page":true,"end_cursor":"b3Bx"},"#
            + #""cluster_queue":{"id":"\#(generator.nextUUID())","dispatch_paused":false}}"#
    }

    /// A job with an environment of 40 variables, about 2 KB.
    private static func jobDocument(id: String) -> String {
        var variables = [#""BUILDKITE":"true""#, #""CI":"true""#, #""BUILDKITE_JOB_ID":"\#(id)""#]
        for index in 0..<37 {
            variables.append(#""BUILDKITE_PLUGIN_SETTING_\#(index)":"value \#(index) of a plugin\n""#)
        }
        return #"{"id":"\#(id)","env":{\#(variables.joined(separator: ","))},"#
            + #""command":"make --directory services/api test\nmake publish"}"#
    }
}
