import ArgumentParser
import StacksAPI

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A point in time in ISO 8601, with or without a fraction of a second, in UTC (`Z`) or with an offset.
struct Timestamp: ExpressibleByArgument {
    let date: Date

    init?(argument: String) {
        guard let date = ISO8601.date(argument) else { return nil }
        self.date = date
    }
}
