import Foundation
import Logging
import StacksAPI
import StacksController
import Synchronization
import Testing

@testable import stacksctl

/// A time that a test sets.
private final class SetTime: Sendable {
    private let time = Mutex(Duration.zero)
    var now: @Sendable () -> Duration { { [self] in time.withLock { $0 } } }
    func set(_ new: Duration) { time.withLock { $0 = new } }
}

@Suite("What a run collects for those who watch it")
struct ObservationTests {
    private func totals(launched: Int, finished: Int = 0, failed: Int = 0) -> ControllerStatus.Totals {
        var totals = ControllerStatus().totals
        (totals.launched, totals.finished, totals.failed) = (launched, finished, failed)
        return totals
    }

    @Test("launches and failures are counted in their minute, and those of an hour ago are gone")
    func minutes() {
        let time = SetTime()
        let history = RunHistory(now: time.now)
        history.count(stack: "a", totals(launched: 2))
        history.count(stack: "a", totals(launched: 5, finished: 1, failed: 1))
        time.set(.seconds(60))
        history.count(stack: "a", totals(launched: 6, finished: 1, failed: 1))
        var hour = history.hour(of: ["a"])
        #expect(hour.count == 60)
        #expect(hour.suffix(2).map(\.launched) == [5, 1] && hour.suffix(2).map(\.failed) == [1, 0])
        time.set(.seconds(60 * 60 + 30))
        hour = history.hour(of: ["a"])
        #expect(hour[0].launched == 1 && hour.dropFirst().allSatisfy { $0 == RunHistory.Minute() })
        time.set(.seconds(1_000_000))
        #expect(history.hour(of: ["a"]).allSatisfy { $0 == RunHistory.Minute() })
    }

    @Test("latencies of several stacks are one distribution, and a controller that begins anew counts from zero")
    func stacks() throws {
        let history = RunHistory(now: SetTime().now)
        for _ in 0..<9 { history.dispatched(stack: "a", after: .milliseconds(100)) }
        history.dispatched(stack: "b", after: .seconds(10))
        let last = try #require(history.hour(of: ["a", "b", "none"]).last?.latencies)
        #expect(last.count == 10)
        let (half, most) = (try #require(last.duration(quantile: 0.5)), try #require(last.duration(quantile: 0.95)))
        #expect(half >= .milliseconds(100) && half <= .milliseconds(125) && most >= .seconds(9))
        history.count(stack: "a", totals(launched: 9))
        history.count(stack: "a", totals(launched: 1))
        #expect(history.hour(of: ["a"]).last?.launched == 10)
        // One drains while its successor has begun.
        let (old, new) = (SomeController(), SomeController())
        for _ in 0..<3 {
            history.count(stack: "c", of: ObjectIdentifier(old), totals(launched: 5))
            history.count(stack: "c", of: ObjectIdentifier(new), totals(launched: 2))
        }
        #expect(history.hour(of: ["c"]).last?.launched == 7)
        history.keep(["b"])
        #expect(history.hour(of: ["a"]).allSatisfy { $0 == RunHistory.Minute() })
    }

    @Test("a rate limit is known by stack and scope with the most used in the last minute")
    func limits() {
        let time = SetTime()
        let limits = RateLimitUse(now: time.now)
        limits.note(RateLimit(scope: "list", limit: 10, remaining: 4), stack: "a")
        limits.note(RateLimit(scope: "list", limit: 10, remaining: 9), stack: "a")
        limits.note(RateLimit(scope: "list", limit: 10), stack: "a")
        limits.note(RateLimit(limit: 10, remaining: 1), stack: "a")
        #expect(limits.uses == [.init(stack: "a", scope: "list", limit: 10, used: 6)])
        time.set(.seconds(55))
        limits.note(RateLimit(scope: "list", limit: 20, remaining: 19), stack: "a")
        #expect(limits.uses.first?.used == 6)
        time.set(.seconds(65))
        #expect(limits.uses == [.init(stack: "a", scope: "list", limit: 20, used: 1)])
    }

    @Test("a server's numbers and names do no harm, however odd, and there is a bound on them")
    func oddLimits() {
        let limits = RateLimitUse(now: SetTime().now)
        limits.note(RateLimit(scope: "a\nb", limit: .max, remaining: .min), stack: "s")
        limits.note(RateLimit(scope: "c", limit: -1, remaining: 5), stack: "s")
        limits.note(RateLimit(scope: "d", limit: 1, remaining: .max), stack: "s")
        #expect(limits.uses.map(\.scope) == ["a\\nb", "d"])
        #expect(limits.uses.map(\.used) == [.max, 0])
        for number in 0..<10_000 { limits.note(RateLimit(scope: "\(number)", limit: 1, remaining: 0), stack: "s") }
        #expect(limits.uses.count == 512)
        #expect(RateLimitUse.stack(in: "/v3/stacks/mac-16/jobs/get-states?x=/stacks/b") == "mac-16")
        #expect(RateLimitUse.stack(in: "/prefix/v3/stacks/register") == "register")
        #expect(RateLimitUse.stack(in: "/v3/token") == nil)
    }

    @Test("the last fifty warnings and errors are kept, escaped and cropped, and nothing below")
    func problems() throws {
        let problems = RecentProblems()
        var logger = Logger(label: "test") { _ in ProblemLogHandler(problems) }
        logger[metadataKey: "stack"] = "mac"
        logger.notice("no problem")
        for number in 0..<60 { logger.warning("number \(number)", metadata: ["job": "j\n\(number)"]) }
        logger.error("\(String(repeating: "x", count: 1_000_000))\u{1b}[31m")
        let all = problems.all
        #expect(all.count == RecentProblems.most)
        #expect(all[0].level == .error && all[0].message.count <= 501)
        #expect(all[1].message == "number 59" && all[1].job == "j\\n59" && all[1].stack == "mac")
    }

    @Test("a JSON document is valid and safe for a terminal, whatever is in it")
    func json() throws {
        let odd = "\"\\/\u{0}\u{1f}\u{7f}\u{9b}\u{2028}\u{202e}\u{1F600}\u{E0001}é\n"
        var text = JSONText()
        text.object { text in
            text.field("text", odd)
            text.field("none", nil as String?)
            text.field("seconds", seconds: .milliseconds(1500))
            text.field("huge", seconds: .seconds(Int64.max))
            text.array("numbers", [1, -2]) { $0.number($1) }
            text.array("empty", [Int]()) { $0.number($1) }
            text.object("inner") { $0.field("flag", true) }
        }
        #expect(text.bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7F })
        let object = try JSONSerialization.jsonObject(with: Data(text.bytes))
        let document = try #require(object as? [String: Any])
        #expect(document["text"] as? String == odd && document["none"] is NSNull)
        #expect(document["seconds"] as? Double == 1.5 && document["numbers"] as? [Int] == [1, -2])
        #expect((document["inner"] as? [String: Any])?["flag"] as? Bool == true)
        #expect(!String(decoding: text.bytes, as: UTF8.self).unicodeScalars.contains("\u{202e}"))
    }
}

/// Has an identity.
private final class SomeController {}
