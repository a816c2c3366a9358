import ArgumentParser
import Foundation

/// A point in time in ISO 8601, with or without a fraction of a second, in UTC (`Z`) or with an offset.
struct Timestamp: ExpressibleByArgument {
    let date: Date

    init?(argument: String) {
        let whole = Date.ISO8601FormatStyle()
        let fractional = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        guard let date = (try? whole.parse(argument)) ?? (try? fractional.parse(argument)) else { return nil }
        self.date = date
    }
}
