import StacksTransport

/// When something came last on each connection, by its local port.
///
/// One port after the other is the common case, because an HTTP/2 connection carries all calls: it is kept apart from
/// the table of the others, and noting it again is one comparison.
struct Receipts {
    typealias Instant = Moment

    private var latest: (port: Int32, at: Instant)?
    private var others: [Int32: Instant] = [:]

    mutating func note(_ instant: Instant, onPort port: Int32) {
        if let latest, latest.port != port { others[latest.port] = latest.at }
        latest = (port, instant)
    }

    func last(onPort port: Int32) -> Instant? {
        if let latest, latest.port == port { return latest.at }
        return others[port]
    }
}
