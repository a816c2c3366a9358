import StacksTesting
import Testing

@testable import StacksAPI

@Suite struct RetryPolicyTests {
    private struct Constant: RandomNumberGenerator {
        var bits: UInt64
        mutating func next() -> UInt64 { bits }
    }

    @Test("the schedule is that of Buildkite's Go client")
    func followsBuildkite() {
        let expected = [1000, 1540, 2371, 3652, 5623]
        for (index, milliseconds) in expected.enumerated() {
            #expect(abs(Backoff.buildkite.delay(index) / .milliseconds(1) - Double(milliseconds)) < 1, "retry \(index)")
        }
        #expect(RetryPolicy.buildkite.maximumAttempts == 5)
        #expect(RetryPolicy.never.maximumAttempts == 1)
    }

    @Test("waits grow up to the limit")
    func stopsGrowing() {
        let backoff = Backoff(initial: .seconds(1), multiplier: 2, maximum: .seconds(5))
        #expect((0..<5).map(backoff.delay) == [.seconds(1), .seconds(2), .seconds(4), .seconds(5), .seconds(5)])
        #expect(backoff.delay(.max) == .seconds(5))
        #expect(Backoff(initial: .seconds(1), multiplier: 1, maximum: .seconds(5)).delay(.max) == .seconds(1))
        #expect(Backoff(initial: .seconds(9), multiplier: 1, maximum: .seconds(5)).delay(0) == .seconds(5))
    }

    @Test("jitter is within its bounds and comes from the generator")
    func addsJitter() {
        let policy = RetryPolicy.buildkite
        var delays: Set<Duration> = []
        var generator = SeededGenerator(seed: 3)
        for _ in 0..<200 {
            let delay = policy.delay(beforeRetry: 0, retryAfter: nil, using: &generator)
            #expect(delay >= .milliseconds(1500) && delay <= .milliseconds(2000))
            delays.insert(delay)
        }
        #expect(delays.count > 50)
        var first = Constant(bits: 0)
        #expect(policy.delay(beforeRetry: 0, retryAfter: nil, using: &first) == .milliseconds(1500))
        var last = Constant(bits: .max)
        #expect(policy.delay(beforeRetry: 0, retryAfter: nil, using: &last) == .milliseconds(2000))
    }

    @Test("Retry-After replaces the wait")
    func obeysRetryAfter() {
        let policy = RetryPolicy.buildkite
        var generator = Constant(bits: .max)
        #expect(policy.delay(beforeRetry: 3, retryAfter: .seconds(2), using: &generator) == .seconds(2))
        #expect(policy.delay(beforeRetry: 0, retryAfter: .zero, using: &generator) == .zero)
    }

    @Test("waits are limited to a year, whatever the policy")
    func staysFinite() {
        let longest = Duration.seconds(Int64.max)
        var generator = Constant(bits: .max)
        for backoff in [
            Backoff(initial: longest, multiplier: 1e300, maximum: longest),
            Backoff(initial: .seconds(1), multiplier: 1e300, maximum: longest),
            Backoff(initial: .nanoseconds(1), multiplier: .greatestFiniteMagnitude, maximum: longest),
        ] {
            let policy = RetryPolicy(maximumAttempts: 9, backoff: backoff, jitter: .zero...longest)
            for retry in [0, 1, 2, 1000, Int.max] {
                let delay = policy.delay(beforeRetry: retry, retryAfter: nil, using: &generator)
                #expect(delay <= .seconds(2 * 31_536_000))
            }
        }
    }
}
