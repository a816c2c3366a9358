import StacksTransport

/// Paces the requests of one stack key in one rate-limit scope, so that the server's window of one second never
/// overflows: a value that takes requests, responses and the time, and says which request may be sent.
///
/// The server counts a request at some instant between its sending and its response, so it has left the server's window one
/// second after the response. A place is taken until then, and there are as many places as the limit allows: no window can
/// hold more requests.
struct ScopePacer: Sendable {
    /// A waiting request: ordered by lane, then by number.
    struct Ticket: Comparable, Sendable {
        var lane: RateLane
        var number: UInt64

        static func < (lhs: Ticket, rhs: Ticket) -> Bool {
            lhs.lane == rhs.lane ? lhs.number < rhs.number : lhs.lane < rhs.lane
        }
    }

    enum Verdict: Equatable {
        /// Send it, and report its response.
        case go
        /// Ask again at this instant or later.
        case notBefore(Moment)
    }

    /// How long a place is taken after a response: the window, and some tolerance for the difference of two clocks.
    static let window = Duration.nanoseconds(windowNanoseconds)
    private static let windowNanoseconds: Int64 = 1_002_000_000

    /// No client sends more in a window: a higher limit counts as none.
    private static let largestLimit = 1_000_000

    /// How many requests a window allows.
    private(set) var limit: Int

    /// Whether the server limits requests. If it does not, no request waits.
    private(set) var isPaced = true

    /// How many requests were let through and have no response yet.
    private var underWay = 0

    /// The places of requests that have ended.
    private var taken = TakenPlaces()

    private var pausedUntil: Moment?
    private var waiting: [Ticket] = []
    private var granted: Set<UInt64> = []

    /// The last request that the server counted.
    private var lastCounted: (sent: Moment, ended: Moment)?

    init(limit: Int) { self.limit = Self.sensible(limit) }

    private static func sensible(_ limit: Int) -> Int { min(max(1, limit), largestLimit) }

    /// Whether it can be removed: only the learned limit would be lost.
    var isIdle: Bool { underWay == 0 && waiting.isEmpty }

    // MARK: Before a request

    /// Asks for a place. A request that gets none stays in the queue until ``look(_:now:)`` grants it one or it leaves.
    mutating func request(_ ticket: Ticket, now: Moment) -> Verdict {
        guard isPaced else { return .go }
        taken.giveBack(now)
        if waiting.isEmpty, capacity > 0, !isPaused(now) {
            underWay += 1
            return .go
        }
        waiting.insert(ticket, at: position(of: ticket))
        return .notBefore(bound(of: ticket, now))
    }

    /// The earliest instant at which a new request could be sent. Takes no place.
    mutating func turn(of ticket: Ticket, now: Moment) -> Moment {
        guard isPaced else { return now }
        taken.giveBack(now)
        return bound(of: ticket, now)
    }

    /// Checks whether a waiting request may be sent now.
    mutating func look(_ ticket: Ticket, now: Moment) -> Verdict {
        grant(now)
        if granted.remove(ticket.number) != nil { return .go }
        return .notBefore(bound(of: ticket, now))
    }

    /// Removes a request that will not be sent.
    mutating func leave(_ ticket: Ticket, now: Moment) {
        if granted.remove(ticket.number) != nil {
            underWay = max(0, underWay - 1)
        } else {
            let index = position(of: ticket)
            if index < waiting.count, waiting[index] == ticket { waiting.remove(at: index) }
        }
        grant(now)
    }

    // MARK: After a request

    /// A request certainly did not reach the server: its place is free at once.
    mutating func wasNotSent(now: Moment) {
        underWay = max(0, underWay - 1)
        grant(now)
    }

    /// A request got its response, or may have reached the server and got none.
    mutating func ended(now: Moment) {
        underWay = max(0, underWay - 1)
        occupy(1, now)
    }

    /// Learns the limit, or that there is none, from a successful response.
    mutating func learn(_ rate: RateLimit, sent: Moment, now: Moment) {
        defer { grant(now) }
        guard let stated = rate.limit ?? (rate.remaining == nil ? nil : limit) else {
            // A response without rate-limit fields means that there is no limit.
            isPaced = false
            return
        }
        limit = Self.sensible(stated)
        if stated > Self.largestLimit {
            // A pause after a 429 still applies: this response can be older.
            isPaced = isPaused(now)
            return
        }
        guard let remaining = rate.remaining.map({ min(max(0, $0), limit) }) else { return }
        if remaining >= limit, let last = lastCounted, last.ended <= sent, last.sent > now - .seconds(1) {
            // Another request was in this window and was not counted.
            isPaced = false
            return
        }
        lastCounted = (sent, now)
        // Another client uses the same key: the places that it used are taken here too.
        taken.giveBack(now)
        occupy(limit - remaining - underWay - taken.count, now)
    }

    /// The server refused a request with 429: all requests wait until the window is empty.
    mutating func refused(_ rate: RateLimit, wait: Duration, now: Moment) {
        isPaced = true
        if let stated = rate.limit { limit = Self.sensible(stated) }
        taken.giveBack(now)
        occupy(limit - underWay - taken.count, now)
        pausedUntil = max(pausedUntil ?? now, now + wait)
    }

    // MARK: Places

    private var capacity: Int { limit - underWay - taken.count }

    private func isPaused(_ now: Moment) -> Bool { pausedUntil.map { $0 > now } ?? false }

    private mutating func occupy(_ count: Int, _ now: Moment) {
        guard count > 0 else { return }
        // In nanoseconds: a `Duration` is divided as a number of 128 bits.
        taken.take(count, until: now.advanced(byNanoseconds: Self.windowNanoseconds))
    }

    /// Grants free places to waiting requests in their order.
    private mutating func grant(_ now: Moment) {
        if waiting.isEmpty { return }
        taken.giveBack(now)
        let count: Int
        if isPaced {
            guard !isPaused(now), capacity > 0 else { return }
            count = min(capacity, waiting.count)
        } else {
            count = waiting.count
        }
        for ticket in waiting.prefix(count) { granted.insert(ticket.number) }
        waiting.removeFirst(count)
        underWay += count
    }

    private func position(of ticket: Ticket) -> Int {
        var (low, high) = (0, waiting.count)
        while low < high {
            let middle = (low + high) / 2
            if waiting[middle] < ticket { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The earliest instant at which a waiting request can be sent, if all requests under way end now.
    private func bound(of ticket: Ticket, _ now: Moment) -> Moment {
        let ahead = position(of: ticket) - max(0, capacity)
        var bound = max(now, pausedUntil ?? now)
        guard ahead >= 0 else { return bound }
        if let free = taken.free(after: ahead) {
            bound = max(bound, free)
        } else {
            bound = max(bound, now + Self.window * (1 + (ahead - taken.count) / limit))
        }
        return bound
    }
}

extension ScopePacer {
    /// The places of a window that ended requests have taken, and when each is free again.
    ///
    /// Its size grows neither with the limit nor with the rate: places that are free at the same time share an entry,
    /// and beyond a thousand entries, which the highest documented limit needs, entries are at least a millisecond
    /// apart, so that a place can be taken that much longer.
    struct TakenPlaces: Sendable {
        private struct Entry {
            var free: Moment
            var count: Int
        }

        private static let exactEntries = 1000
        private static let tolerance = Duration.milliseconds(1)

        /// In the order in which they become free; those before `first` are free.
        private var entries: [Entry] = []
        private var first = 0

        /// How many places are taken.
        private(set) var count = 0

        /// Takes places until an instant, but at least as long as the places before them.
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

        /// Frees the places whose time has come.
        mutating func giveBack(_ now: Moment) {
            while first < entries.count, entries[first].free <= now {
                count -= entries[first].count
                first += 1
            }
            // Moves the rest when it is no larger than what is removed: each entry is moved once at most.
            if (first > 0 && first == entries.count) || (first > 1024 && first > entries.count / 2) {
                entries.removeFirst(first)
                first = 0
            }
        }

        /// When the place behind `others` more becomes free; `nil` when there is none. Linear in the number of entries.
        func free(after others: Int) -> Moment? {
            var passed = 0
            for entry in entries[first...] {
                passed += entry.count
                if passed > others { return entry.free }
            }
            return nil
        }
    }
}
