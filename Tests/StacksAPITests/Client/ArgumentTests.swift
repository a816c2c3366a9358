import Foundation
import HTTPTypes
import StacksTesting
import StacksTransport
import Testing

@testable import StacksAPI

/// What cannot be sent is refused with one clear error, and nothing is sent.
@Suite struct ArgumentTests {
    private func refusal(
        _ expected: String, sourceLocation: SourceLocation = #_sourceLocation,
        _ call: (StacksClient) async throws -> Void
    ) async throws {
        let bed = try Testbed()
        let error = try await failure { try await call(bed.client) }
        #expect(error.code == .invalidArgument, sourceLocation: sourceLocation)
        #expect(error.operation != nil, sourceLocation: sourceLocation)
        #expect(error.attempts == 0, sourceLocation: sourceLocation)
        #expect(error.message.contains(expected), "\(error.message)", sourceLocation: sourceLocation)
        #expect(!error.isRetryable, sourceLocation: sourceLocation)
        #expect(bed.transport.requests.isEmpty, "nothing is sent", sourceLocation: sourceLocation)
    }

    @Test(
        "a stack key has 1 to 80 bytes of letters, digits, _ and -",
        arguments: ["", "a b", "a/b", "a.b", "ä", "a\n", "a\0", "..", String(repeating: "k", count: 81)])
    func checksStackKeys(_ key: String) async throws {
        try await refusal("1 to 80 bytes") { try await $0.registerStack(key: key) }
        try await refusal("1 to 80 bytes") { try await $0.deregisterStack(key: key) }
        try await refusal("1 to 80 bytes") { _ = try await $0.scheduledJobs(stack: key, queue: .default) }
        try await refusal("1 to 80 bytes") { _ = try await $0.reserveJobs([.sample], stack: key) }
        try await refusal("1 to 80 bytes") { _ = try await $0.job(.sample, stack: key) }
        try await refusal("1 to 80 bytes") { _ = try await $0.jobStates([.sample], stack: key) }
        try await refusal("1 to 80 bytes") { _ = try await $0.issueJobAcquisitionTokens(for: [.sample], stack: key) }
        try await refusal("1 to 80 bytes") { try await $0.finishJob(.sample, stack: key, exitStatus: 1, detail: "d") }
        try await refusal("1 to 80 bytes") { try await $0.notify(.sample, detail: "d", stack: key) }
    }

    @Test("a key of 80 bytes is sent")
    func acceptsTheLongestKey() async throws {
        let bed = try Testbed([.answer(.noContent, "")])
        try await bed.client.deregisterStack(key: String(repeating: "k", count: 80))
        #expect(bed.transport.requests.count == 1)
    }

    @Test("an empty list is refused")
    func checksLists() async throws {
        try await refusal("empty") { _ = try await $0.reserveJobs([], stack: "s") }
        try await refusal("empty") { _ = try await $0.jobStates([], stack: "s") }
        try await refusal("empty") { _ = try await $0.issueJobAcquisitionTokens(for: [], stack: "s") }
        try await refusal("empty") { try await $0.notify([], stack: "s") }
    }

    @Test("expiry and lifetime are 1 to 3600 whole seconds")
    func checksDurations() async throws {
        for duration in [Duration.zero, .seconds(-1), .seconds(3601), .milliseconds(1500), .nanoseconds(1)] {
            try await refusal("1 to 3600 whole seconds") {
                _ = try await $0.reserveJobs([.sample], stack: "s", expiry: duration)
            }
            try await refusal("1 to 3600 whole seconds") {
                _ = try await $0.issueJobAcquisitionTokens(for: [.sample], stack: "s", lifetime: duration)
            }
        }
    }

    @Test("a page's limit is 1 to 1000", arguments: [0, -1, 1001, .max])
    func checksLimits(_ limit: Int) async throws {
        try await refusal("1 to 1000") { _ = try await $0.scheduledJobs(stack: "s", queue: "q", limit: limit) }
        try await refusal("1 to 1000") {
            for try await _ in $0.allScheduledJobs(stack: "s", queue: "q", pageSize: limit) {}
        }
    }

    @Test(
        "control characters and empty values in paths and queries are refused",
        arguments: ["", "a\u{1}", "a\r\nX: y", "\u{7F}"])
    func checksTexts(_ text: String) async throws {
        let expected = text.isEmpty ? "empty" : "control character"
        try await refusal(expected) { _ = try await $0.scheduledJobs(stack: "s", queue: QueueKey(text)) }
        try await refusal(expected) { _ = try await $0.scheduledJobs(stack: "s", queue: "q", after: text) }
        try await refusal(expected) { _ = try await $0.job(JobID(text), stack: "s") }
        try await refusal(expected) { _ = try await $0.reserveJobs([.sample, JobID(text)], stack: "s") }
        try await refusal(expected) { try await $0.registerStack(key: "k", type: StackType(rawValue: text)) }
    }

    @Test("metadata keeps to its limits")
    func checksMetadata() async throws {
        let many = Dictionary(uniqueKeysWithValues: (0...100).map { ("k\($0)", "v") })
        try await refusal("at most 100 keys, not 101") { try await $0.registerStack(key: "k", metadata: many) }
        try await refusal("at most 64 characters") {
            try await $0.registerStack(key: "k", metadata: [String(repeating: "é", count: 65): "v"])
        }
        try await refusal("at most 256 characters") {
            try await $0.registerStack(key: "k", metadata: ["name": String(repeating: "é", count: 257)])
        }
        try await refusal("empty") { try await $0.registerStack(key: "k", metadata: ["": "v"]) }
        let bed = try Testbed([
            .answer(.ok, #"{"id":"s","organization_uuid":"o","key":"k","type":"custom","state":"x"}"#)
        ])
        try await bed.client.registerStack(
            key: "k", metadata: [String(repeating: "é", count: 64): String(repeating: "é", count: 256)])
    }

    @Test("details and exit statuses that say nothing are refused")
    func checksFinishes() async throws {
        try await refusal("empty") { try await $0.finishJob(.sample, stack: "s", exitStatus: 1, detail: "") }
        try await refusal("other than 0") { try await $0.failJob(.sample, stack: "s", exitStatus: 0, detail: "d") }
        try await refusal("32 bits") { try await $0.finishJob(.sample, stack: "s", exitStatus: 1 << 40, detail: "d") }
        try await refusal("notification 1 is empty") {
            try await $0.notify([.init(job: .sample, detail: "d"), .init(job: .sample, detail: "")], stack: "s")
        }
        try await refusal("years 0 to 9999") {
            try await $0.notify(.sample, detail: "d", timestamp: Date(timeIntervalSince1970: 1e15), stack: "s")
        }
    }

    @Test("header fields that are the client's to set are refused")
    func checksHeaderFields() async throws {
        for name in ["Authorization", "host", "Content-Length", "transfer-encoding", "Connection"] {
            let options = CallOptions(headerFields: [HTTPField.Name(name)!: "x"])
            try await refusal("cannot be set by a caller") { _ = try await $0.tokenIdentity(options: options) }
        }
    }

    @Test("a header field's value with a control character is refused, naming the field and not the value")
    func checksHeaderValues() async throws {
        for character in ["\u{1}", "\u{1B}", "\u{7F}"] {
            let name = HTTPField.Name("X-Api-Key")!
            // The lenient initializer is the one that lets such a value through at all.
            var fields = HTTPFields()
            fields.append(HTTPField(name: name, lenientValue: Array("hunter2\(character)x".utf8)))
            let options = CallOptions(headerFields: fields)
            try await refusal("X-Api-Key contains a control character") { client in
                do {
                    _ = try await client.tokenIdentity(options: options)
                } catch {
                    #expect(!"\(error)".contains("hunter2"))
                    throw error
                }
            }
        }
    }

    @Test("a retry policy that makes no sense is refused")
    func checksPolicies() async throws {
        var policy = RetryPolicy.buildkite
        policy.maximumAttempts = 0
        try await refusal("at least 1 attempt") { [policy] in
            _ = try await $0.tokenIdentity(options: CallOptions(retryPolicy: policy))
        }
        policy = .buildkite
        policy.backoff.multiplier = .nan
        try await refusal("multiplier") { [policy] in
            _ = try await $0.tokenIdentity(options: CallOptions(retryPolicy: policy))
        }
    }

    @Test(
        "a token that is none is refused without being shown",
        arguments: ["", " ", "bkct_hunter2\nx", "bkct hunter2", "hunter2é", "hunter2\u{0}"])
    func checksTokens(_ token: String) {
        let error = #expect(throws: ConfigurationError.self) {
            try StacksClient(token: token, transport: InMemoryTransport(script: []))
        }
        #expect(error?.description.contains("hunter2") == false)
        #expect(error?.description.contains("token") == true)
    }

    @Test("every bad value of a configuration is one kind of error, which names the value")
    func checksConfiguration() {
        func refused(_ expected: String, _ change: (inout StacksClient.Configuration) -> Void) {
            let error = #expect(throws: ConfigurationError.self) { try Testbed(configure: change) }
            #expect(error?.message.contains(expected) == true, "\(error?.message ?? "")")
        }
        refused("timeout") { $0.requestTimeout = .zero }
        refused("concurrent batches must be at least 1") { $0.maximumConcurrentBatches = 0 }
        refused("at least 1 attempt") { $0.retryPolicy.maximumAttempts = 0 }
        refused("prefix") { $0.userAgentPrefixes = ["a\r\nX: y"] }
        refused("prefix") { $0.userAgentPrefixes = [""] }
        refused("base URL") { $0.baseURL = "http://example.com" }
        refused("capacity") { $0.retryBudget = RetryBudget(capacity: 0) }
    }
}
