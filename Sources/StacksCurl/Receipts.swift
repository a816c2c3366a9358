import StacksTransport

/// When bytes last arrived on each connection, by its local port.
///
/// All calls usually share one HTTP/2 connection, so its port is stored separately, and recording it takes one comparison.
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
