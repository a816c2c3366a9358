#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Date {
    /// The date as the API writes it: ISO 8601 in UTC with milliseconds.
    var iso8601: String {
        formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
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
