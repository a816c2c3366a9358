import NIOCore

/// Constant documents of the Stacks API for clients to parse.
final class StacksDocuments: Sendable {
    let small = ByteBuffer(string: #"{"ok":true}"#)
    private let scheduledJobs: ByteBuffer
    private let stack = ByteBuffer(
        string: """
            {"id":"0190f7a0-0000-4000-8000-00000000a001","organization_uuid":"0190f7a0-0000-4000-8000-00000000a002",\
            "cluster_queue_key":"default","key":"stack","type":"custom","metadata":{},"last_connected_on":null,\
            "state":"connected"}
            """)
    private let token = ByteBuffer(
        string: """
            {"uuid":"0190f7a0-0000-4000-8000-00000000a003","description":"test","token_type":"agent",\
            "organization_slug":"acme","organization_uuid":"0190f7a0-0000-4000-8000-00000000a002",\
            "cluster_uuid":"0190f7a0-0000-4000-8000-00000000a004","cluster_name":"test",\
            "organization_queue_uuid":null,"organization_queue_key":null}
            """)
    private let errors = ByteBuffer(string: #"{"errors":[]}"#)

    /// - Parameter jobs: The number of jobs in the listing.
    init(jobs: Int = 1000) {
        let list = (0..<jobs).map(Self.scheduledJob).joined(separator: ",")
        scheduledJobs = ByteBuffer(
            string: """
                {"jobs":[\(list)],"page_info":{"has_next_page":false,"end_cursor":null},\
                "cluster_queue":{"id":"0190f7a0-0000-4000-8000-00000000a005","dispatch_paused":false}}
                """)
    }

    /// The document for a path under any prefix, or `nil` for paths outside of the API.
    func document(for path: [Substring], body: ByteBuffer) -> ByteBuffer? {
        switch (path.dropLast().last, path.last) {
        case (_, "register"?): return stack
        case (_, "token"?): return token
        case (_, "scheduled-jobs"?): return scheduledJobs
        case (_, "notifications"?): return errors
        case (_, "get-states"?):
            return joined(body, #"{"states":{"#, { #""\#($0)":"scheduled""# }, "}}")
        case (_, "batch-reserve"?):
            return joined(body, #"{"reserved":["#, { #""\#($0)""# }, #"],"not_reserved":[]}"#)
        case (_, "job-acquisition-tokens"?):
            return joined(
                body, #"{"job_acquisition_tokens":["#,
                {
                    #"{"job_uuid":"\#($0)","job_acquisition_token":"bkjat_test","#
                        + #""expires_at":"2070-01-01T00:00:00Z"}"#
                },
                #"],"not_issued":[]}"#)
        case ("jobs"?, let id?):
            return ByteBuffer(
                string: #"{"id":"\#(id)","env":{"BUILDKITE_BRANCH":"main","CI":"true"},"command":"echo hello"}"#)
        default: return nil
        }
    }

    private func joined(
        _ body: ByteBuffer, _ head: String, _ item: (String) -> String, _ tail: String
    ) -> ByteBuffer {
        ByteBuffer(string: head + Self.identifiers(in: body).map(item).joined(separator: ",") + tail)
    }

    /// Every string of 36 bytes in `body`: the UUIDs of a request, without parsing its JSON.
    private static func identifiers(in body: ByteBuffer) -> [String] {
        body.readableBytesView.split(separator: UInt8(ascii: "\""))
            .filter { $0.count == 36 }
            .map { String(decoding: $0, as: UTF8.self) }
    }

    private static func scheduledJob(_ index: Int) -> String {
        let digits = String(index, radix: 16)
        let tail = String(repeating: "0", count: 12 - digits.count) + digits
        return """
            {"id":"0190f7a0-1111-4000-8000-\(tail)","priority":\(index % 5),\
            "agent_query_rules":["queue=default","os=linux"],"scheduled_at":"2026-01-01T00:00:00.000Z",\
            "runnable_at":"2026-01-01T00:00:01.000Z","pipeline":{"slug":"pipeline-\(index % 20)",\
            "uuid":"0190f7a0-2222-4000-8000-\(tail)"},"build":{"uuid":"0190f7a0-3333-4000-8000-\(tail)",\
            "number":\(index + 1),"branch":"main"},"step":{"key":"step-\(index % 7)"}}
            """
    }
}
