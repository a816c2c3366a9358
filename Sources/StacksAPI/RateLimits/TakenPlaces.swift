import StacksTransport

/// The places in a rate limit's window that answered requests have taken, and when they are free again.
///
/// What is kept grows neither with the limit nor with the rate: places that are free at the same time are one entry, and
/// from a thousand entries on, as many as the highest documented limit needs, entries are a millisecond apart, so that a
/// place can be taken for that much longer.
struct TakenPlaces: Sendable {
    private struct Entry {
        var free: Moment
        var count: Int
    }

    private static let exactEntries = 1000
    private static let tolerance = Duration.milliseconds(1)

    /// In the order in which they are free; those before `first` are already.
    private var entries: [Entry] = []
    private var first = 0

    /// How many places are taken.
    private(set) var count = 0

    /// Takes places until an instant, and no shorter than those before.
    mutating func take(_ count: Int, until free: Moment) {
        self.count += count
        var free = free
        if let last = entries.last?.free {
            if free <= last {
                entries[entries.count - 1].count += count
                return
            }
            if entries.count - first >= Self.exactEntries { free = max(free, last + Self.tolerance) }
        }
        entries.append(Entry(free: free, count: count))
    }

    /// Gives back the places that are free by now.
    mutating func giveBack(_ now: Moment) {
        while first < entries.count, entries[first].free <= now {
            count -= entries[first].count
            first += 1
        }
        // The rest moves when there is no more of it than what goes: an entry costs one move at most.
        if first == entries.count || first > 1024 && first > entries.count / 2 {
            entries.removeFirst(first)
            first = 0
        }
    }

    /// When the place that is free after `others` more is free, or `nil` when there are no more than those.
    /// Looks at one entry after the other.
    func free(after others: Int) -> Moment? {
        var passed = 0
        for entry in entries[first...] {
            passed += entry.count
            if passed > others { return entry.free }
        }
        return nil
    }
}
