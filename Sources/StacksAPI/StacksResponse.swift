public import HTTPTypes
public import StacksTransport

#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// The response of an operation: its value, status, header fields and how it was obtained.
///
/// It forwards to the value: `response.reserved` is `response.value.reserved`.
@dynamicMemberLookup
public struct StacksResponse<Value: Sendable>: Sendable {
    /// The value that the body holds.
    public var value: Value

    /// The HTTP status, always a 2xx.
    public var status: HTTPResponse.Status

    /// The header fields, which are parsed when one is read.
    public var headerFields: ResponseHeaderFields

    /// How many requests were sent: 1 when the first one succeeded.
    public var attempts: Int

    /// The network timings of the last request; `nil` when the transport does not measure them.
    public var metrics: TransportMetrics?

    /// The parts of a long list that failed, in the order of the list; empty when all succeeded.
    ///
    /// The client sends a list of more than 1000 items in several requests. When some of them fail, ``value`` holds the
    /// results of the others; the call throws only when all fail. When the task is cancelled and some parts succeeded,
    /// the call returns too, and the parts without a response are here with ``StacksAPIError/Code/cancelled``, so that
    /// reserved jobs and issued tokens are not lost. ``StacksAPIError/mayHaveTakenEffect`` says whether such a part may
    /// have taken effect.
    public var failedBatches: [FailedBatch]

    /// Whether ``StacksClient/finishJob(_:stack:exitStatus:detail:options:)`` succeeded because the job's state was
    /// found to be `finished` after the response to the finish was lost. Status and header fields are then those of the
    /// request for the state.
    public var wasConfirmedByState: Bool

    /// How long all requests of the call together waited for the rate limit; zero when they did not.
    public var rateLimitWait: Duration

    /// A response.
    public init(
        value: Value,
        status: HTTPResponse.Status = .ok,
        headerFields: ResponseHeaderFields = ResponseHeaderFields(),
        attempts: Int = 1,
        metrics: TransportMetrics? = nil,
        failedBatches: [FailedBatch] = [],
        wasConfirmedByState: Bool = false,
        rateLimitWait: Duration = .zero
    ) {
        self.value = value
        self.status = status
        self.headerFields = headerFields
        self.attempts = attempts
        self.metrics = metrics
        self.failedBatches = failedBatches
        self.wasConfirmedByState = wasConfirmedByState
        self.rateLimitWait = rateLimitWait
    }

    /// The endpoint's rate limit, from the `RateLimit-*` header fields; `nil` when there are none.
    public var rateLimit: RateLimit? { RateLimit(headerFields) }

    /// How long the server asks to wait before the next request (`Retry-After`), at most a day; `nil` when it does not
    /// ask.
    public var retryAfter: Duration? { RetryAfter.delay(in: headerFields) }

    /// The server's time when it responded (`Date`); `nil` when it is missing.
    package var serverDate: Date? { headerFields[.date].flatMap { HTTPDate.parse($0) } }

    /// The error of the request that held the item at a position of the caller's list; `nil` when that request
    /// succeeded.
    public func error(forItemAt position: Int) -> StacksAPIError? {
        failedBatches.first { $0.range.contains(position) }?.error
    }

    /// A member of the value.
    public subscript<Member>(dynamicMember member: KeyPath<Value, Member>) -> Member { value[keyPath: member] }

    /// The same response with its value transformed.
    public func map<Other>(_ transform: (Value) throws -> Other) rethrows -> StacksResponse<Other> {
        StacksResponse<Other>(try transform(value), of: self)
    }

    /// Another value of a response.
    init<Other>(_ value: Value, of response: StacksResponse<Other>) {
        self.value = value
        status = response.status
        headerFields = response.headerFields
        attempts = response.attempts
        metrics = response.metrics
        failedBatches = response.failedBatches
        wasConfirmedByState = response.wasConfirmedByState
        rateLimitWait = response.rateLimitWait
    }
}

/// A part of a long list whose request failed.
public struct FailedBatch: Sendable {
    /// The positions of its items in the caller's list.
    public var range: Range<Int>
    /// Why it failed.
    public var error: StacksAPIError

    /// A failed part.
    public init(range: Range<Int>, error: StacksAPIError) {
        self.range = range
        self.error = error
    }
}

/// The value of a response without a body.
public struct NoContent: Sendable, Hashable {
    /// An empty value.
    public init() {}
}
