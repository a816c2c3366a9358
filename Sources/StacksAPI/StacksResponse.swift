public import HTTPTypes
public import StacksTransport

#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

/// What an operation answers: the value, and what the server said beside it.
///
/// It forwards to the value, so `response.reserved` is `response.value.reserved`.
@dynamicMemberLookup
public struct StacksResponse<Value: Sendable>: Sendable {
    /// The answer itself.
    public var value: Value

    /// The HTTP status, always a 2xx.
    public var status: HTTPResponse.Status

    /// The answer's header fields, read when somebody asks for one.
    public var headerFields: ResponseHeaderFields

    /// How many requests were sent for this answer: 1 when the first one succeeded.
    public var attempts: Int

    /// How the last request went on the network, where the transport can tell.
    public var metrics: TransportMetrics?

    /// The parts of a long list that failed, in the order of the list; empty when everything went well.
    ///
    /// A list of more than 1000 items is sent in several requests. What some of them achieved is in ``value`` even
    /// when others failed; only when all of them fail does the call throw. The same holds when the task is cancelled
    /// meanwhile: with something in ``value`` the call returns, and the parts that were not answered are here with
    /// ``StacksAPIError/Code/cancelled``, so that jobs that were reserved, or tokens that were issued, are not forgotten.
    /// Whether such a part may have been done says ``StacksAPIError/mayHaveTakenEffect``.
    public var failedBatches: [FailedBatch]

    /// Whether a ``StacksClient/finishJob(_:stack:exitStatus:detail:options:)`` is known to be done because the job was
    /// found finished, and not because the request was answered. Status and header fields are then those of the question.
    public var wasConfirmedByState: Bool

    /// How long the call waited for its turn under the rate limit, all its requests together; zero when it did not.
    public var rateLimitWait: Duration

    /// An answer.
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

    /// The endpoint's rate limit as the answer's `RateLimit-*` header fields tell it; `nil` when there are none.
    public var rateLimit: RateLimit? { RateLimit(headerFields) }

    /// How long the server asks to wait before the next request (`Retry-After`), at most a day, or `nil` when it does not
    /// ask.
    public var retryAfter: Duration? { RetryAfter.delay(in: headerFields) }

    /// The server's clock when it responded (`Date`), or `nil` when it does not tell.
    package var serverDate: Date? { headerFields[.date].flatMap { HTTPDate.parse($0) } }

    /// Why an item of a long list was not dealt with, by its position in the caller's list; `nil` when its request was
    /// answered.
    public func error(forItemAt position: Int) -> StacksAPIError? {
        failedBatches.first { $0.range.contains(position) }?.error
    }

    /// A member of the value.
    public subscript<Member>(dynamicMember member: KeyPath<Value, Member>) -> Member { value[keyPath: member] }

    /// The same answer with another value made from this one's.
    public func map<Other>(_ transform: (Value) throws -> Other) rethrows -> StacksResponse<Other> {
        StacksResponse<Other>(
            value: try transform(value),
            status: status,
            headerFields: headerFields,
            attempts: attempts,
            metrics: metrics,
            failedBatches: failedBatches,
            wasConfirmedByState: wasConfirmedByState,
            rateLimitWait: rateLimitWait
        )
    }
}

/// A part of a long list whose request failed.
public struct FailedBatch: Sendable {
    /// Which items of the caller's list it held, by their positions.
    public var range: Range<Int>
    /// Why it failed.
    public var error: StacksAPIError

    /// A failed part.
    public init(range: Range<Int>, error: StacksAPIError) {
        self.range = range
        self.error = error
    }
}

/// The value of an answer that carries none.
public struct NoContent: Sendable, Hashable {
    /// Nothing.
    public init() {}
}
