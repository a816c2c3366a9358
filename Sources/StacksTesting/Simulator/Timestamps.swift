#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

extension Date {
    /// The date as the API writes it: ISO 8601 in UTC with milliseconds.
    package var iso8601: String {
        // The formatter cuts off what is below a millisecond. Half a microsecond more, and a millisecond whose binary
        // fraction lies a little below it is not cut to the one before.
        (self + 0.000_000_5).formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }

    /// The date in an ISO 8601 text, with or without a fraction of a second, or `nil` when it is none.
    init?(iso8601 text: String) {
        if let date = try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)) {
            self = date
        } else if let date = try? Date(text, strategy: .iso8601) {
            self = date
        } else {
            return nil
        }
    }

    func addingTimeInterval(_ duration: Duration) -> Date { addingTimeInterval(duration.timeInterval) }
}
