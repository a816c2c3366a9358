import StacksTransport

/// Who goes first when requests of several operations wait for the same limit.
enum RateLane: UInt8, Comparable, Sendable {
    /// What ends jobs or watches over them.
    case urgent
    case normal
    /// What only people read.
    case background

    static func < (lhs: RateLane, rhs: RateLane) -> Bool { lhs.rawValue < rhs.rawValue }
}

/// Paces the requests of one stack key in one rate-limit scope, so that the server's window of one second never
/// overflows: a value that takes requests, answers and the time, and says who may go.
///
/// A request arrives at some moment between its sending and its answer, so its place in the window is surely free again
/// a second after the answer. With as many places as the limit has, no second holds more requests than it allows,
/// wherever it begins.
struct ScopePacer: Sendable {
    /// Who waits: first by lane, then in the order of asking.
    struct Ticket: Comparable, Sendable {
        var lane: RateLane
        var number: UInt64

        static func < (lhs: Ticket, rhs: Ticket) -> Bool {
            lhs.lane == rhs.lane ? lhs.number < rhs.number : lhs.lane < rhs.lane
        }
    }

    enum Verdict: Equatable {
        /// Send it, and tell when it is answered.
        case go
        /// Not before this instant, at the earliest.
        case notBefore(Moment)
    }

    /// How long a place is taken after an answer: the window, and what the server's clock and ours can differ in it.
    static let window = Duration.milliseconds(1002)

    /// No client sends more in a window; a limit above it is none.
    private static let largestLimit = 1_000_000

    /// How many requests a window allows.
    private(set) var limit: Int

    /// Whether the server counts requests at all. When it does not, nobody waits.
    private(set) var isPaced = true

    /// Requests that may go or have gone, and are not answered.
    private var underWay = 0

    /// The places of answered requests.
    private var taken = TakenPlaces()

    private var pausedUntil: Moment?
    private var waiting: [Ticket] = []
    private var granted: Set<UInt64> = []

    /// The last request that was answered and counted.
    private var lastCounted: (sent: Moment, answered: Moment)?

    init(limit: Int) { self.limit = Self.sensible(limit) }

    private static func sensible(_ limit: Int) -> Int { min(max(1, limit), largestLimit) }

    /// Whether nothing would be lost with it but what it learnt.
    var isIdle: Bool { underWay == 0 && waiting.isEmpty }

    // MARK: Before a request

    /// Asks for a place. Whoever gets none stays in the queue until it is granted one by ``look(_:now:)`` or leaves.
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

    /// The earliest instant at which a request can have its turn if it is asked for now. Nothing is asked for by it.
    mutating func turn(of ticket: Ticket, now: Moment) -> Moment {
        guard isPaced else { return now }
        taken.giveBack(now)
        return bound(of: ticket, now)
    }

    /// Looks whether the turn of one that waits has come.
    mutating func look(_ ticket: Ticket, now: Moment) -> Verdict {
        grant(now)
        if granted.remove(ticket.number) != nil { return .go }
        return .notBefore(bound(of: ticket, now))
    }

    /// Takes back a request that will not be sent.
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

    /// A request surely did not reach the server: its place is free at once.
    mutating func wasNotSent(now: Moment) {
        underWay = max(0, underWay - 1)
        grant(now)
    }

    /// A request got its response, or may have reached the server and got none.
    mutating func ended(now: Moment) {
        underWay = max(0, underWay - 1)
        occupy(1, now)
    }

    /// A successful answer told the limit, or that there is none.
    mutating func learn(_ rate: RateLimit?, sent: Moment, now: Moment) {
        defer { grant(now) }
        guard let rate, let told = rate.limit ?? (rate.remaining == nil ? nil : limit) else {
            // The server does not say anything of limits, so it has none.
            isPaced = false
            return
        }
        limit = Self.sensible(told)
        if told > Self.largestLimit {
            // A pause after a 429 is kept all the same: this can be an answer from before it.
            isPaced = isPaused(now)
            return
        }
        guard let remaining = rate.remaining.map({ min(max(0, $0), limit) }) else { return }
        if remaining >= limit, let last = lastCounted, last.answered <= sent, last.sent > now - .seconds(1) {
            // Another request was in this window, and it was not counted.
            isPaced = false
            return
        }
        lastCounted = (sent, now)
        // Somebody else uses the same key: what it used is taken for us too.
        taken.giveBack(now)
        occupy(limit - remaining - underWay - taken.count, now)
    }

    /// The server refused a request with 429: everybody waits until the window is empty.
    mutating func refused(_ rate: RateLimit?, wait: Duration, now: Moment) {
        isPaced = true
        if let told = rate?.limit { limit = Self.sensible(told) }
        taken.giveBack(now)
        occupy(limit - underWay - taken.count, now)
        pausedUntil = max(pausedUntil ?? now, now + wait)
    }

    // MARK: Places

    private var capacity: Int { limit - underWay - taken.count }

    private func isPaused(_ now: Moment) -> Bool { pausedUntil.map { $0 > now } ?? false }

    private mutating func occupy(_ count: Int, _ now: Moment) {
        guard count > 0 else { return }
        taken.take(count, until: now + Self.window)
    }

    /// Gives places to those who wait, in their order, whoever looks.
    private mutating func grant(_ now: Moment) {
        taken.giveBack(now)
        if waiting.isEmpty { return }
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

    /// The earliest instant at which one that waits can have its turn: places that are under way are taken to be
    /// answered now, and everything else is known.
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
}
