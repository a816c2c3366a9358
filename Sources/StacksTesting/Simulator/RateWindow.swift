#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The requests of one stack in one scope during the last second.
struct RateWindow {
    /// A second, less what dates of this century lose to rounding.
    private static let second = 1 - 1e-6

    private var times: [Date] = []
    private var first = 0

    /// Forgets what is a second old or older, and says how many requests are left in the window.
    mutating func count(at now: Date) -> Int {
        while first < times.count, now.timeIntervalSince(times[first]) >= Self.second { first += 1 }
        if first > 1024 || first == times.count {
            times.removeFirst(first)
            first = 0
        }
        return times.count - first
    }

    mutating func add(_ now: Date) { times.append(now) }

    /// Whole seconds until the oldest request leaves the window, 0 when there is none.
    func reset(at now: Date) -> Int {
        guard first < times.count else { return 0 }
        return max(0, Int((1 - now.timeIntervalSince(times[first])).rounded(.up)))
    }
}

/// What the four header fields of an answer say.
struct RateStatus {
    var scope: String
    var limit: Int
    var remaining: Int
    var reset: Int
}
