#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The deadlines of things, at most one each, by their indexes: the earliest one first, and of those of one instant the one with
/// the lowest index.
///
/// Setting one and taking one out cost the logarithm of their number. Setting a later one, as every heartbeat does, costs
/// nothing until the earlier one would have come.
struct Deadlines: Sendable {
    private struct Entry: Comparable, Sendable {
        var date: Date
        var index: Int

        static func < (lhs: Entry, rhs: Entry) -> Bool { (lhs.date, lhs.index) < (rhs.date, rhs.index) }
    }

    private struct Deadline: Sendable {
        var date: Date
        /// The date of its earliest entry, which is not later.
        var entry: Date
    }

    /// Those of removed and moved deadlines are among them until their dates.
    private var entries = Schedule<Entry>()
    private var deadlines: [Int: Deadline] = [:]

    mutating func set(_ date: Date, of index: Int) {
        let entry = deadlines[index]?.entry
        deadlines[index] = Deadline(date: date, entry: entry.map { min(date, $0) } ?? date)
        if entry.map({ date < $0 }) ?? true { entries.insert(Entry(date: date, index: index)) }
    }

    mutating func remove(_ index: Int) { deadlines[index] = nil }

    /// The first deadline.
    mutating func first() -> (date: Date, index: Int)? {
        while let entry = entries.first {
            let deadline = deadlines[entry.index]
            if deadline?.date == entry.date { return (entry.date, entry.index) }
            entries.removeFirst()
            if let deadline, deadline.entry == entry.date {
                deadlines[entry.index]?.entry = deadline.date
                entries.insert(Entry(date: deadline.date, index: entry.index))
            }
        }
        return nil
    }
}
