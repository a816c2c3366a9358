#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What is known of the server's clock: a value that learns from the `Date` of answers.
///
/// A `Date` is cut to the second, and was written before the answer arrived: each one is a lower bound of the
/// difference between the clocks. The greatest of the last ones is closest to it, and never beyond it.
struct ServerTime: Sendable {
    private static let maximumSamples = 16
    private var samples: [Double] = []
    private var next = 0

    /// An answer of the server's `date` was received at `now`.
    mutating func learn(_ date: Date, now: Date) {
        let sample = date.timeIntervalSince(now)
        if samples.count < Self.maximumSamples {
            samples.append(sample)
        } else {
            samples[next] = sample
        }
        next = (next + 1) % Self.maximumSamples
    }

    /// The latest instant that is surely not in the server's future, or `nil` before the first answer.
    func latest(now: Date) -> Date? { samples.max().map { now.addingTimeInterval($0) } }

    /// A timestamp that the server does not take for the future; `nil`, which means now, when that is not known.
    func timestamp(_ date: Date?, now: Date) -> Date? {
        guard let date, let latest = latest(now: now) else { return nil }
        return min(date, latest)
    }
}
