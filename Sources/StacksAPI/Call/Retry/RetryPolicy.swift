/// How often, and after which waits, a failed request is retried.
///
/// Whether a request may be retried at all does not depend on the policy but on the operation and on how far the
/// request got. Connection failures, 429 and 5xx are retried; a request that may have reached the server only when
/// repeating it is safe.
public struct RetryPolicy: Sendable, Hashable {
    /// How many requests a call may send, the first included. At least 1.
    public var maximumAttempts: Int

    /// The waits before the second, third, … request, without ``jitter``.
    public var backoff: Backoff

    /// A random addition to each wait, so that many clients do not retry at the same moment.
    public var jitter: ClosedRange<Duration>

    /// The longest `Retry-After` that the client waits for; a `Retry-After` replaces wait and jitter. If the server
    /// asks for a longer wait, the call throws its error, whose ``StacksAPIError/retryAfter`` says how long: a request
    /// before that would be refused again.
    public var maximumRetryAfter: Duration

    /// A policy.
    ///
    /// - Parameters:
    ///   - maximumAttempts: How many requests a call may send, the first included.
    ///   - backoff: The waits between them; 1 s, 1.5 s, 2.4 s, 3.7 s, … when left out.
    ///   - jitter: Added to each wait at random; 0.5 to 1 s when left out.
    ///   - maximumRetryAfter: The longest `Retry-After` that the client waits for; a minute when left out.
    public init(
        maximumAttempts: Int,
        backoff: Backoff = .buildkite,
        jitter: ClosedRange<Duration> = .milliseconds(500) ... .seconds(1),
        maximumRetryAfter: Duration = .seconds(60)
    ) {
        self.maximumAttempts = maximumAttempts
        self.backoff = backoff
        self.jitter = jitter
        self.maximumRetryAfter = maximumRetryAfter
    }

    /// The schedule of Buildkite's Go client: at most 5 requests, with waits of 1.0, 1.5, 2.4 and 3.7 s between them,
    /// plus 0.5 to 1 s of jitter.
    public static let buildkite = RetryPolicy(maximumAttempts: 5)

    /// A single request.
    public static let never = RetryPolicy(maximumAttempts: 1)

    /// How long to wait before retry `retry`, counted from 0.
    ///
    /// - Parameters:
    ///   - retryAfter: The wait that the server asked for, which replaces the schedule.
    ///   - generator: The source of the jitter.
    func delay(
        beforeRetry retry: Int,
        retryAfter: Duration?,
        using generator: inout some RandomNumberGenerator
    ) -> Duration {
        if let retryAfter { return max(retryAfter, .zero) }
        // A year at most: the sum of longer waits could exceed what a duration holds.
        return min(backoff.delay(retry), Self.longestWait) + jitter.random(using: &generator)
    }

    fileprivate static let longestWait = Duration.seconds(31_536_000)

    /// What is wrong with the policy's values, or `nil`.
    var problem: String? {
        if maximumAttempts < 1 { return "A retry policy must allow at least 1 attempt, not \(maximumAttempts)." }
        if jitter.lowerBound < .zero { return "A retry policy's jitter cannot be negative: \(jitter.lowerBound)." }
        if maximumRetryAfter < .zero {
            return "A retry policy's longest Retry-After cannot be negative: \(maximumRetryAfter)."
        }
        return backoff.problem
    }
}

extension ClosedRange<Duration> {
    /// A duration of this range, to the millisecond.
    fileprivate func random(using generator: inout some RandomNumberGenerator) -> Duration {
        let lowerBound = Swift.min(lowerBound, RetryPolicy.longestWait)
        let width = Swift.min(upperBound, RetryPolicy.longestWait) - lowerBound
        let milliseconds = width.components.seconds * 1000 + width.components.attoseconds / 1_000_000_000_000_000
        guard milliseconds > 0 else { return lowerBound }
        // Scaled instead of drawn until it fits: a generator that repeats itself cannot make this loop forever.
        let steps = generator.next().multipliedFullWidth(by: UInt64(milliseconds) + 1).high
        return lowerBound + .milliseconds(Int64(steps))
    }
}

/// Waits that grow by a constant factor, up to a maximum.
public struct Backoff: Sendable, Hashable {
    /// The first wait.
    public var initial: Duration
    /// The factor between one wait and the next.
    public var multiplier: Double
    /// The longest wait.
    public var maximum: Duration

    /// Waits that start with `initial` and grow by `multiplier` up to `maximum`.
    public init(initial: Duration, multiplier: Double, maximum: Duration) {
        self.initial = initial
        self.multiplier = multiplier
        self.maximum = maximum
    }

    /// The waits of Buildkite's Go client, `1000^(n/16+1)` ms: 1.0 s, 1.5 s, 2.4 s, 3.7 s, …, here at most a minute.
    ///
    /// The multiplier is the sixteenth root of 1000.
    public static let buildkite = Backoff(
        initial: .seconds(1),
        multiplier: 1.539_926_526_059_492,
        maximum: .seconds(60)
    )

    /// The wait with this index, counted from 0.
    public func delay(_ index: Int) -> Duration {
        var delay = initial
        var remaining = index
        while remaining > 0, delay < maximum, multiplier > 1 {
            // Compared as numbers first: the product may exceed what a duration holds.
            guard delay / .seconds(1) * multiplier < maximum / .seconds(1) else { return maximum }
            delay = delay * multiplier
            remaining -= 1
        }
        return min(delay, maximum)
    }

    var problem: String? {
        if initial < .zero || maximum < .zero { return "A backoff's waits cannot be negative: \(initial), \(maximum)." }
        guard multiplier >= 1, multiplier.isFinite else {
            return "A backoff's multiplier must be a number of at least 1, not \(multiplier)."
        }
        return nil
    }
}

/// How many retries all calls of a client may use together, so that an outage does not multiply its traffic.
///
/// Each retry takes one from the budget; when the budget is empty, a call throws its last failure. Successes and time
/// refill it. ``RetryPolicy`` limits the attempts of one call, the budget those of all calls.
public struct RetryBudget: Sendable, Hashable {
    /// How many retries the budget holds; a client starts with a full one.
    public var capacity: Int

    /// How many retries a successful call adds.
    public var perSuccess: Double

    /// How many retries a second adds, so that a client with few calls can retry too.
    public var perSecond: Double

    /// A budget.
    ///
    /// - Parameters:
    ///   - capacity: How many retries it holds, at least 1.
    ///   - perSuccess: How many a successful call adds.
    ///   - perSecond: How many a second adds.
    public init(capacity: Int, perSuccess: Double = 0.1, perSecond: Double = 1) {
        self.capacity = capacity
        self.perSuccess = perSuccess
        self.perSecond = perSecond
    }

    /// 100 retries at once, then one per second and one for every ten successful calls.
    public static let standard = RetryBudget(capacity: 100)

    /// What is wrong with the values, or `nil`.
    var problem: String? {
        if capacity < 1 { return "A retry budget's capacity must be at least 1, not \(capacity)." }
        guard perSuccess >= 0, perSuccess.isFinite, perSecond >= 0, perSecond.isFinite else {
            return
                "A retry budget's refill cannot be negative: \(perSuccess) per success, \(perSecond) per second."
        }
        return nil
    }
}
