#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The requests of one stack in one rate-limit scope during the last second.
struct RateWindow {
    /// A second, less the rounding error of dates in this century.
    private static let second = 1 - 1e-6

    private var times: [Date] = []
    private var first = 0

    /// Removes requests that are at least a second old, and returns the number of requests in the window.
    mutating func count(at now: Date) -> Int {
        while first < times.count, now.timeIntervalSince(times[first]) >= Self.second { first += 1 }
        if first > 1024 || first == times.count {
            times.removeFirst(first)
            first = 0
        }
        return times.count - first
    }

    mutating func add(_ now: Date) { times.append(now) }

    /// Seconds, rounded up, until the oldest request leaves the window; 0 when there is none.
    func reset(at now: Date) -> Int {
        guard first < times.count else { return 0 }
        return max(0, Int((1 - now.timeIntervalSince(times[first])).rounded(.up)))
    }
}

/// The values of the four rate-limit header fields of a response.
struct RateStatus {
    var scope: String
    var limit: Int
    var remaining: Int
    var reset: Int
}
