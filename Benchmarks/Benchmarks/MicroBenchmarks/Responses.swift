import Benchmark
import StacksAPI
import Workload

/// Calls with a small request: what is measured is reading the response.
func registerResponses() throws {
    try register("states of 1000 jobs", Call.states1000.response) { try await $0.jobStates([jobs[0]], stack: "stack") }
    try register("job with 40 variables", Call.job.response) { try await $0.job(jobs[0], stack: "stack") }
    try register("listing of 100 jobs", Call.list100.response) {
        try await $0.scheduledJobs(stack: "stack", queue: "default")
    }
    try register("listing of 1000 jobs", Call.list1000.response) {
        try await $0.scheduledJobs(stack: "stack", queue: "default")
    }
    // The difference to the listing before it is the parsing of 1000 dates.
    try register("listing of 1000 jobs without dates", withoutDates(Call.list1000.response)) {
        try await $0.scheduledJobs(stack: "stack", queue: "default")
    }
    try register("reservation of 1000 jobs", Call.reserve1000.response) {
        try await $0.reserveJobs([jobs[0]], stack: "stack")
    }
    let tokens = jobs.map {
        #"{"job_uuid":"\#($0)","job_acquisition_token":"bkjat_0123456789abcdef","expires_at":"2026-03-01T08:45:00.000Z"}"#
    }
    try register(
        "1000 job acquisition tokens",
        Array(#"{"job_acquisition_tokens":[\#(tokens.joined(separator: ","))],"not_issued":[]}"#.utf8)
    ) { try await $0.issueJobAcquisitionTokens(for: [jobs[0]], stack: "stack") }
    let failures = (0..<100).map { #"{"error":"Detail is too long","indexes":[\#($0),\#($0 + 100)]}"# }
    try register("100 failed notifications", Array(#"{"errors":[\#(failures.joined(separator: ","))]}"#.utf8)) {
        try await $0.notify(jobs[0], detail: "Starting", stack: "stack")
    }
    try register(
        "stack",
        Array(
            #"{"id":"0190f7a0-0000-4000-8000-00000000a001","organization_uuid":"0190f7a0-0000-4000-8000-00000000a002","#
                .utf8)
            + Array(#""cluster_queue_key":"default","key":"stack","type":"custom","metadata":{"version":"1.4"},"#.utf8)
            + Array(#""last_connected_on":"2026-03-01T08:30:00Z","state":"connected"}"#.utf8)
    ) { try await $0.registerStack(key: "stack") }
    Benchmark("1000 job identifiers from strings") { benchmark in
        for _ in benchmark.scaledIterations { blackHole(Identifiers.jobs.map { JobID($0) }) }
    }
}

private func register<Value: Sendable>(
    _ name: String, _ response: [UInt8], call: @escaping @Sendable (StacksClient) async throws -> StacksResponse<Value>
) throws {
    let client = try CannedResponse(response).client()
    Benchmark("response, \(name)") { benchmark in
        for _ in benchmark.scaledIterations { blackHole(try await call(client)) }
    }
}

/// The document with `null` for every date, padded with spaces to the same length.
private func withoutDates(_ document: [UInt8]) -> [UInt8] {
    var document = document
    let prefix = Array(#""2026-"#.utf8)
    var index = 0
    while index + 26 <= document.count {
        if document[index..<(index + prefix.count)].elementsEqual(prefix) {
            document.replaceSubrange(index..<(index + 26), with: Array("null".utf8) + Array(repeating: 0x20, count: 22))
        }
        index += 1
    }
    return document
}
