#if canImport(FoundationEssentials)
    package import FoundationEssentials
#else
    package import Foundation
#endif

extension Date {
    /// The date in the format of the API: ISO 8601 in UTC with milliseconds.
    package var iso8601: String {
        // The formatter truncates to milliseconds. Half a microsecond corrects milliseconds whose binary fraction is
        // slightly too small.
        (self + 0.000_000_5).formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }

    /// The date of an ISO 8601 text, with or without a fraction of a second, or `nil` when the text is invalid.
    package init?(iso8601 text: String) {
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
