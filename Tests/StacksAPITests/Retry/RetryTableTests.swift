import HTTPTypes
import StacksTesting
import StacksTransport
import Testing

@testable import StacksAPI

/// Which operation is sent again after which failure.
@Suite struct RetryTableTests {
    struct Call: Sendable, CustomTestStringConvertible {
        let operation: StacksOperation
        let response: String
        let make: @Sendable (StacksClient, CallOptions) async throws -> Int

        var testDescription: String { operation.name }
    }

    static let repeatable: [Call] = [
        Call(
            operation: .registerStack,
            response: #"{"id":"s","organization_uuid":"o","key":"k","type":"custom","state":"connected"}"#
        ) { try await $0.registerStack(key: "k", options: $1).attempts },
        Call(operation: .deregisterStack, response: "") {
            try await $0.deregisterStack(key: "k", options: $1).attempts
        },
        Call(operation: .scheduledJobs, response: #"{"jobs":[]}"#) {
            try await $0.scheduledJobs(stack: "k", queue: "q", options: $1).attempts
        },
        Call(operation: .reserveJobs, response: #"{"reserved":[],"not_reserved":[]}"#) {
            try await $0.reserveJobs([.sample], stack: "k", options: $1).attempts
        },
        Call(operation: .job, response: #"{"id":"x"}"#) { try await $0.job(.sample, stack: "k", options: $1).attempts },
        Call(operation: .jobStates, response: #"{"states":{}}"#) {
            try await $0.jobStates([.sample], stack: "k", options: $1).attempts
        },
        Call(operation: .issueJobAcquisitionTokens, response: #"{"job_acquisition_tokens":[]}"#) {
            try await $0.issueJobAcquisitionTokens(for: [.sample], stack: "k", options: $1).attempts
        },
        Call(operation: .tokenIdentity, response: "{}") { try await $0.tokenIdentity(options: $1).attempts },
    ]
    static let notify = Call(operation: .notify, response: #"{"errors":[]}"#) {
        try await $0.notify(.sample, detail: "d", stack: "k", options: $1).attempts
    }
    static let finish = Call(operation: .finishJob, response: "{}") {
        try await $0.finishJob(.sample, stack: "k", exitStatus: 1, detail: "d", options: $1).attempts
    }
    static let all = repeatable + [notify, finish]

    /// A policy that does not wait, so that no clock is needed.
    static let immediate = CallOptions(
        retryPolicy: RetryPolicy(
            maximumAttempts: 5, backoff: Backoff(initial: .zero, multiplier: 1, maximum: .zero), jitter: .zero ... .zero
        ))

    @Test("the table has every operation once")
    func isComplete() {
        #expect(Self.all.count == StacksOperation.all.count)
        #expect(Set(Self.all.map(\.operation)) == Set(StacksOperation.all))
    }

    private func isSentAgain(_ call: Call, after step: InMemoryTransport.Step) async throws -> Bool {
        // Some waits are not the policy's: a 429 stops its scope.
        let bed = try Testbed([step, .response(.ok, call.response)], clock: LeapingClock())
        do {
            let attempts = try await call.make(bed.client, Self.immediate)
            #expect(attempts == 2)
        } catch let error as StacksAPIError {
            #expect(error.attempts == bed.transport.requests.count)
            #expect(error.operation == call.operation)
        }
        // The question about a job whose finish is in doubt is no repetition.
        let path = bed.transport.requests[0].path
        return bed.transport.requests.count { $0.path == path } == 2
    }

    @Test("after a lost response, requests that are safe to repeat are retried", arguments: repeatable)
    func repeatsAfterLostResponses(_ call: Call) async throws {
        #expect(try await isSentAgain(call, after: .lostResponse))
    }

    @Test("a finish or a notification whose response was lost is not retried", arguments: [notify, finish])
    func doesNotRepeatAfterLostResponses(_ call: Call) async throws {
        for code in [TransportError.Code.connectionClosed, .timeout, .http2, .protocolViolation, .other] {
            for phase in [TransportError.Phase.sending, .waiting, .receiving] {
                let step = InMemoryTransport.Step.fail(TransportError(code: code, phase: phase, message: "lost"))
                #expect(try await !isSentAgain(call, after: step))
            }
        }
    }

    @Test("a request that certainly was not sent is retried for every operation", arguments: all)
    func repeatsWhatWasNotSent(_ call: Call) async throws {
        for (code, phase) in [
            (TransportError.Code.connect, TransportError.Phase.connecting), (.nameResolution, .resolving),
            (.tls, .securing),
            (.timeout, .queued), (.proxy, .connecting), (.http2, .queued),
        ] {
            let step = InMemoryTransport.Step.fail(TransportError(code: code, phase: phase, message: "not sent"))
            #expect(try await isSentAgain(call, after: step))
        }
        let unsent = TransportError(
            code: .connectionClosed, phase: .waiting, mayHaveReachedServer: false, message: "the stream was refused")
        #expect(try await isSentAgain(call, after: .fail(unsent)))
    }

    @Test("429, and a 503 of the API, are retried, whatever it is", arguments: all)
    func repeatsWhenRefused(_ call: Call) async throws {
        #expect(try await isSentAgain(call, after: .response(.tooManyRequests)))
        #expect(try await isSentAgain(call, after: .response(.serviceUnavailable, #"{"message":"unavailable"}"#)))
    }

    @Test(
        "a gateway's 503 or 408 may come after the API took the request: a finish is not retried because of it",
        arguments: all)
    func gateways(_ call: Call) async throws {
        for body in ["", "{}", "<html>", #"{"error":"upstream timeout"}"#] {
            let isRepeated = try await isSentAgain(call, after: .response(.serviceUnavailable, body))
            #expect(isRepeated == (call.operation != .finishJob), "\(body)")
        }
        var options = Self.immediate
        options.waitsOutProxies = true
        for body in ["<html>", #"{"message":"Request Timeout"}"#] {
            let bed = try Testbed([.response(.requestTimeout, body), .response(.ok, call.response)])
            _ = try? await call.make(bed.client, options)
            let path = bed.transport.requests[0].path
            let requests = bed.transport.requests.count { $0.path == path }
            #expect(call.operation != .finishJob || requests == 1, "\(body)")
        }
    }

    @Test("other server errors are retried, except for a finish", arguments: all)
    func repeatsAfterServerErrors(_ call: Call) async throws {
        for status in [500, 502, 504, 520, 599] {
            let isRepeated = try await isSentAgain(call, after: .response(.init(code: status)))
            #expect(isRepeated == (call.operation != .finishJob), "\(status)")
        }
    }

    @Test("failures that would recur are not retried", arguments: all)
    func doesNotRepeatRefusals(_ call: Call) async throws {
        for status in [301, 307, 400, 401, 403, 404, 409, 418, 422] {
            #expect(try await !isSentAgain(call, after: .response(.init(code: status))), "\(status)")
        }
        for code in [TransportError.Code.invalidRequest, .certificate, .responseTooLarge, .transportClosed] {
            let step = InMemoryTransport.Step.fail(TransportError(code: code, phase: .queued, message: "no"))
            #expect(try await !isSentAgain(call, after: step))
        }
    }

    @Test(
        "with waitsOutProxies, refusals of proxies are retried and those of the API are not", arguments: all)
    func waitsOutProxies(_ call: Call) async throws {
        var options = Self.immediate
        options.waitsOutProxies = true
        for status in [400, 401, 403, 404, 413] {
            for (body, isSentAgain) in [("<html>", true), ("", true), ("{}", true), (#"{"message":"no"}"#, false)] {
                let bed = try Testbed([.response(.init(code: status), body), .response(.ok, call.response)])
                let attempts = try? await call.make(bed.client, options)
                #expect(attempts == (isSentAgain ? 2 : nil), "\(status) \(body)")
                #expect(bed.transport.requests.count == (isSentAgain ? 2 : 1), "\(status) \(body)")
            }
        }
    }

    @Test(
        "a successful response that cannot be decoded is not retried",
        arguments: all.filter { $0.operation != .finishJob })
    func doesNotRepeatUnreadableSuccesses(_ call: Call) async throws {
        if call.operation == .deregisterStack { return }
        let bed = try Testbed([.response(.ok, "<html>"), .response(.ok, call.response)])
        let error = try await failure { _ = try await call.make(bed.client, Self.immediate) }
        #expect(error.code == .decoding)
        #expect(error.mayHaveTakenEffect)
        #expect(!error.isRetryable)
        #expect(bed.transport.requests.count == 1)
    }

    @Test("the policy never sends a single request", arguments: all)
    func neverRepeats(_ call: Call) async throws {
        let bed = try Testbed([.refused, .response(.ok, call.response)])
        let error = try await failure { _ = try await call.make(bed.client, CallOptions(retryPolicy: .never)) }
        #expect(error.code == .transport)
        #expect(!error.mayHaveTakenEffect)
        #expect(bed.transport.requests.count == 1)
    }

    @Test("the error of a doubtful finish says that it may have taken effect")
    func warnsOfDoubt() async throws {
        for (step, isInDoubt) in [
            (InMemoryTransport.Step.lostResponse, true), (.response(.badGateway), true),
            (.response(.internalServerError), true), (.response(.serviceUnavailable), true),
            (.response(.requestTimeout), true),
            (.response(.serviceUnavailable, #"{"message":"unavailable"}"#), false),
            (.response(.notFound), false), (.response(.unprocessableContent), false),
        ] {
            let bed = try Testbed([step])
            let error = try await failure { _ = try await Self.finish.make(bed.client, Self.immediate) }
            #expect(error.mayHaveTakenEffect == isInDoubt)
            #expect(error.description.contains("ask for its state") == isInDoubt, "\(error)")
        }
    }

    @Test("the call ends after the policy's attempts with the error of the last one")
    func givesUp() async throws {
        let bed = try Testbed(
            [.refused, .lostResponse]
                + InMemoryTransport.Step.responses(.badGateway, .init(code: 500), .serviceUnavailable)
        )
        let error = try await failure { _ = try await bed.client.tokenIdentity(options: Self.immediate) }
        #expect(error.code == .unavailable)
        #expect(error.attempts == 5)
        #expect(error.status == .serviceUnavailable)
        #expect(error.mayHaveTakenEffect, "one of the five may have")
        #expect(error.description.hasSuffix("(after 5 attempts)"))
        #expect(bed.transport.requests.count == 5)
    }
}
