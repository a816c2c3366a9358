import Foundation
import HTTPTypes
import StacksTesting
import StacksTransport
import Testing

@testable import StacksAPI

/// Every operation's exact bytes, and what it makes of a response with everything in it.
@Suite struct WireTests {
    private let id = JobID.sample

    private func send(
        _ response: String = "{}", status: HTTPResponse.Status = .ok, _ call: (StacksClient) async throws -> Void
    ) async throws -> TransportRequest {
        let bed = try Testbed([.response(status, response)])
        try await call(bed.client)
        return try bed.request
    }

    @Test("every request carries the token, and a content type when it has a body")
    func sendsHeaderFields() async throws {
        let bed = try Testbed([.response(.ok, "{}"), .response(.noContent, "")]) {
            $0.userAgentPrefixes = ["fleet/1.2", "swift"]
        }
        _ = try await bed.client.tokenIdentity()
        _ = try await bed.client.finishJob(id, stack: "s", exitStatus: 0, detail: "d")
        let common: HTTPFields = [
            .authorization: "Token \(Testbed.token)", .accept: "application/json",
            .userAgent: "fleet/1.2 swift stacksapi-swift/\(StacksAPIVersion.current)",
        ]
        #expect(bed.transport.requests[0].headerFields == common)
        var withBody = common
        withBody[.contentType] = "application/json"
        #expect(bed.transport.requests[1].headerFields == withBody)
        #expect(bed.transport.requests.allSatisfy { $0.origin == "https://agent.buildkite.com" })
    }

    @Test("register")
    func registers() async throws {
        let request = try await send(
            #"{"id":"s1","organization_uuid":"o1","cluster_queue_key":"q","key":"mac-fleet","type":"custom","#
                + #""metadata":{"a":"b"},"last_connected_on":null,"state":"connected","new":[1]}"#,
            status: .created
        ) { client in
            let response = try await client.registerStack(
                key: "mac-fleet", queue: "q\"1", metadata: ["version": "1.4", "a\n": "ü"])
            #expect(response.status == .created)
            #expect(
                response.value
                    == Stack(
                        id: "s1", organizationUUID: "o1", clusterQueueKey: "q", key: "mac-fleet", metadata: ["a": "b"]))
            #expect(response.organizationUUID == "o1")
        }
        #expect(request.description == "POST /v3/stacks/register")
        #expect(
            request.bodyText
                == #"{"key":"mac-fleet","type":"custom","queue_key":"q\"1","metadata":{"a\n":"ü","version":"1.4"}}"#)
        #expect(request.replay == .whenConnectionWasDead)
    }

    @Test("register without metadata sends an empty object, and the default queue")
    func registersWithDefaults() async throws {
        let response = #"{"id":"s","organization_uuid":"o","key":"k","type":"custom","state":"odd"}"#
        let request = try await send(response) { client in
            let stack = try await client.registerStack(key: "k").value
            #expect(stack.state == "odd")
            #expect(stack.clusterQueueKey == nil)
        }
        #expect(request.bodyText == #"{"key":"k","type":"custom","queue_key":"_default","metadata":{}}"#)
    }

    @Test("deregister has no body")
    func deregisters() async throws {
        let request = try await send("", status: .noContent) { try await $0.deregisterStack(key: "k") }
        #expect(request.description == "POST /v3/stacks/k/deregister")
        #expect(request.body == nil)
    }

    @Test("list")
    func lists() async throws {
        let response =
            #"{"jobs":[{"id":"\#(id)","priority":-3,"agent_query_rules":["queue=default","os=linux"],"#
            + #""scheduled_at":"2026-11-19T08:30:00.250Z","runnable_at":"2026-11-19T08:30:01Z","#
            + #""pipeline":{"slug":"p","uuid":"u1"},"build":{"uuid":"u2","number":7,"branch":"main"},"step":{"key":"k"}},"#
            + #"{"id":"bare","pipeline":{"slug":null},"build":{},"step":{"key":null},"priority":null,"scheduled_at":null},"#
            + #"{"id":"barer"}],"page_info":{"has_next_page":true,"end_cursor":"c=="},"#
            + #""cluster_queue":{"id":"q1","dispatch_paused":false}}"#
        let request = try await send(response) { client in
            let page = try await client.scheduledJobs(stack: "s", queue: "a b/ü.~", limit: 1000, after: "x=&+./").value
            let date = Date(timeIntervalSince1970: 1_795_077_000.25)
            #expect(
                page.jobs == [
                    ScheduledJob(
                        id: id, priority: -3, agentQueryRules: ["queue=default", "os=linux"], scheduledAt: date,
                        runnableAt: date + 0.75, pipeline: .init(slug: "p", uuid: "u1"),
                        build: .init(uuid: "u2", number: 7, branch: "main"), step: .init(key: "k")),
                    ScheduledJob(id: "bare"), ScheduledJob(id: "barer"),
                ])
            #expect(page.pageInfo == .init(hasNextPage: true, endCursor: "c=="))
            #expect(page.clusterQueue == .init(id: "q1"))
        }
        #expect(
            request.description
                == "GET /v3/stacks/s/scheduled-jobs?queue_key=a%20b%2F%C3%BC%2E~&limit=1000&after=x%3D%26%2B%2E%2F")
        #expect(request.body == nil)
    }

    @Test("list omits optional parameters")
    func listsWithDefaults() async throws {
        let request = try await send(#"{"jobs":[]}"#) { _ = try await $0.scheduledJobs(stack: "s", queue: .default) }
        #expect(request.description == "GET /v3/stacks/s/scheduled-jobs?queue_key=_default")
    }

    @Test(
        "a pause is recognized under both of its names",
        arguments: [
            (#""dispatch_paused":true"#, true), (#""paused":true"#, true),
            (#""dispatch_paused":true,"paused":false"#, true),
            (#""paused":true,"dispatch_paused":false"#, true), (#""paused":null,"dispatch_paused":false"#, false),
            (#""x":1"#, false),
        ])
    func seesPauses(_ fields: String, _ isPaused: Bool) async throws {
        _ = try await send(#"{"jobs":[],"cluster_queue":{\#(fields)}}"#) { client in
            let page = try await client.scheduledJobs(stack: "s", queue: "q")
            #expect(page.clusterQueue.isDispatchPaused == isPaused)
        }
    }

    @Test("reserve")
    func reserves() async throws {
        let request = try await send(#"{"reserved":["\#(id)"],"not_reserved":["other"]}"#) { client in
            let reservation = try await client.reserveJobs([id, "other"], stack: "s", expiry: .seconds(900))
            #expect(reservation.value == Reservation(reserved: [id], notReserved: ["other"]))
            #expect(reservation.failedBatches.isEmpty)
        }
        #expect(request.description == "PUT /v3/stacks/s/scheduled-jobs/batch-reserve")
        #expect(request.bodyText == #"{"job_uuids":["\#(id)","other"],"reservation_expiry_seconds":900}"#)
    }

    @Test("reserve leaves the expiry to the server when none is given")
    func reservesWithDefaults() async throws {
        let request = try await send(#"{"reserved":[],"not_reserved":[]}"#) { client in
            let reservation = try await client.reserveJobs([id], stack: "s").value
            #expect(reservation == Reservation(reserved: []))
        }
        #expect(request.bodyText == #"{"job_uuids":["\#(id)"]}"#)
    }

    @Test("get a job; a dot in its identifier is encoded")
    func getsAJob() async throws {
        let request = try await send(#"{"id":"a.b","env":{"A":"1","B":""},"command":"make\ntest"}"#) { client in
            let job = try await client.job("a.b/c", stack: "s").value
            #expect(job == Job(id: "a.b", environment: ["A": "1", "B": ""], command: "make\ntest"))
        }
        #expect(request.description == "GET /v3/stacks/s/jobs/a%2Eb%2Fc")
    }

    @Test("job states, including one that is not known")
    func getsStates() async throws {
        let request = try await send(#"{"states":{"\#(id)":"running","b":"frozen"}}"#) { client in
            let states = try await client.jobStates([id, "b", "c"], stack: "s").value
            #expect(states[id] == .running)
            #expect(states["b"] == "frozen")
            #expect(states["c"] == nil)
        }
        #expect(request.description == "POST /v3/stacks/s/jobs/get-states")
        #expect(request.bodyText == #"{"job_uuids":["\#(id)","b","c"]}"#)
    }

    @Test("job acquisition tokens")
    func issuesTokens() async throws {
        let request = try await send(
            #"{"job_acquisition_tokens":[{"job_uuid":"\#(id)","job_acquisition_token":"bkjat_x","#
                + #""expires_at":"2026-11-19T08:30:00Z"}],"not_issued":["b"]}"#,
            status: .created
        ) { client in
            let tokens = try await client.issueJobAcquisitionTokens(for: [id, "b"], stack: "s", lifetime: .seconds(60))
            #expect(tokens[id]?.token.value == "bkjat_x")
            #expect(tokens[id]?.expiresAt == Date(timeIntervalSince1970: 1_795_077_000))
            #expect(tokens.notIssued == ["b"])
            #expect(tokens["b"] == nil)
        }
        #expect(request.description == "POST /v3/stacks/s/job-acquisition-tokens")
        #expect(request.bodyText == #"{"job_uuids":["\#(id)","b"],"token_lifetime_seconds":60}"#)
    }

    @Test(
        "a job acquisition token that no agent can use counts as not issued, and the others are returned",
        arguments: [
            #""""#, "null", #""bkjat_a\u0000b""#, #""bkjat_a\n""#, #""bkjat_a\r\nX: y""#, #"" ""#, #""bkjat_\u00e9""#,
            #""bkjat_\u007f""#,
        ])
    func unusableTokens(token: String) async throws {
        _ = try await send(
            #"{"job_acquisition_tokens":[{"job_uuid":"a","job_acquisition_token":\#(token)},"#
                + #"{"job_uuid":"b","job_acquisition_token":"bkjat_b"},{"job_uuid":"a","job_acquisition_token":\#(token)},"#
                + #"{"job_uuid":"b","job_acquisition_token":\#(token)}],"not_issued":["c"]}"#,
            status: .created
        ) { client in
            let tokens = try await client.issueJobAcquisitionTokens(for: ["a", "b", "c"], stack: "s").value
            #expect(tokens.issued.map(\.job) == ["b"])
            #expect(tokens["b"]?.token.value == "bkjat_b")
            #expect(tokens.notIssued == ["c", "a"])
        }
    }

    @Test(
        "finish sends the exit status even when it is 0, and is never replayed by the transport", arguments: [0, 1, -1])
    func finishes(exitStatus: Int) async throws {
        for (status, body) in [(HTTPResponse.Status.ok, "{}"), (.noContent, ""), (.ok, "anything")] {
            let request = try await send(body, status: status) { client in
                try await client.finishJob(id, stack: "s", exitStatus: exitStatus, detail: "no \"room\"")
            }
            #expect(request.description == "POST /v3/stacks/s/jobs/\(id)/finish")
            #expect(request.bodyText == #"{"exit_status":\#(exitStatus),"detail":"no \"room\""}"#)
            #expect(request.replay == .never)
        }
    }

    @Test("fail is a finish with -1 unless another exit status is given")
    func fails() async throws {
        let request = try await send { try await $0.failJob(id, stack: "s", detail: "broke") }
        #expect(request.description == "POST /v3/stacks/s/jobs/\(id)/finish")
        #expect(request.bodyText == #"{"exit_status":-1,"detail":"broke"}"#)
    }

    @Test("notifications, and their failures by position")
    func notifies() async throws {
        let request = try await send(#"{"errors":[{"error":"too many","indexes":[1]}]}"#) { client in
            let result = try await client.notify(
                [
                    JobNotification(
                        job: id, detail: "starting", timestamp: Date(timeIntervalSince1970: 1_795_077_000.1239)),
                    JobNotification(job: "b", detail: "waiting"),
                ],
                stack: "s")
            #expect(result.failures == [NotificationFailure(error: "too many", indexes: [1])])
        }
        #expect(request.description == "POST /v3/stacks/s/notifications")
        #expect(
            request.bodyText
                == #"{"notifications":[{"job_uuid":"\#(id)","detail":"starting","timestamp":"2026-11-19T08:30:00.123Z"},"#
                + #"{"job_uuid":"b","detail":"waiting"}]}"#)
        #expect(request.replay == .never)
    }

    @Test("one notification is a list of one")
    func notifiesOnce() async throws {
        let request = try await send(#"{"errors":[]}"#) { try await $0.notify(id, detail: "d", stack: "s") }
        #expect(request.bodyText == #"{"notifications":[{"job_uuid":"\#(id)","detail":"d"}]}"#)
    }

    @Test("token identity, with and without values")
    func tellsIdentity() async throws {
        let full =
            #"{"uuid":"1","description":"2","token_type":"3","organization_slug":"4","organization_uuid":"5","#
            + #""cluster_uuid":"6","cluster_name":"7","organization_queue_uuid":"8","organization_queue_key":"9"}"#
        let request = try await send(full) { client in
            let identity = try await client.tokenIdentity()
            #expect(
                identity.value
                    == TokenIdentity(
                        uuid: "1", description: "2", tokenType: "3", organizationSlug: "4", organizationUUID: "5",
                        clusterUUID: "6", clusterName: "7", organizationQueueUUID: "8", organizationQueueKey: "9"))
            #expect(!identity.isUnclustered)
        }
        #expect(request.description == "GET /v3/token")
        _ = try await send(#"{"uuid":null,"cluster_uuid":""}"#) { client in
            let identity = try await client.tokenIdentity()
            #expect(identity.value == TokenIdentity(clusterUUID: ""))
            #expect(identity.isUnclustered)
            #expect(!TokenIdentity().isUnclustered, "a server that does not say has not said no")
        }
    }

    @Test("a response has rate limit, retry-after and attempts")
    func tellsTheRest() async throws {
        let bed = try Testbed([
            .response(
                .ok, "{}",
                [
                    HTTPField.Name("RateLimit-Scope")!: "show-job", HTTPField.Name("RateLimit-Limit")!: "1000",
                    HTTPField.Name("RateLimit-Remaining")!: "999", HTTPField.Name("RateLimit-Reset")!: "1",
                    .retryAfter: "2",
                ])
        ])
        let response = try await bed.client.tokenIdentity()
        #expect(response.rateLimit == RateLimit(scope: "show-job", limit: 1000, remaining: 999, reset: .seconds(1)))
        #expect(response.retryAfter == .seconds(2))
        #expect(response.attempts == 1)
    }

    @Test("a call's header fields replace the client's fields of the same names")
    func addsHeaderFields() async throws {
        let bed = try Testbed([.response()])
        let trace = HTTPField.Name("X-Trace")!
        var fields: HTTPFields = [.userAgent: "mine"]
        fields.append(HTTPField(name: trace, value: "1"))
        fields.append(HTTPField(name: trace, value: "2"))
        _ = try await bed.client.tokenIdentity(options: CallOptions(headerFields: fields))
        let sent = try bed.request.headerFields
        #expect(sent[.userAgent] == "mine")
        #expect(sent[values: trace] == ["1", "2"])
        #expect(sent[.authorization] == "Token \(Testbed.token)")
    }
}
