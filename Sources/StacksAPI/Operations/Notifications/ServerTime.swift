#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// An estimate of the server's clock: a value that learns from the `Date` of responses.
///
/// A `Date` is truncated to seconds and older than the arrival of its response: each one gives a lower bound of the
/// difference between the clocks. The greatest of the last bounds is the closest, and never too large.
struct ServerTime: Sendable {
    private static let maximumSamples = 16
    private var samples: [Double] = []
    private var next = 0

    /// A response with the date `date` arrived at `now`.
    mutating func learn(_ date: Date, now: Date) {
        let sample = date.timeIntervalSince(now)
        if samples.count < Self.maximumSamples {
            samples.append(sample)
        } else {
            samples[next] = sample
        }
        next = (next + 1) % Self.maximumSamples
    }

    /// The latest instant that is certainly not in the server's future; `nil` before the first response.
    func latest(now: Date) -> Date? { samples.max().map { now.addingTimeInterval($0) } }

    /// The date, moved back to the server's present if necessary; `nil`, which means now, while that is not known.
    func timestamp(_ date: Date?, now: Date) -> Date? {
        guard let date, let latest = latest(now: now) else { return nil }
        return min(date, latest)
    }
}
