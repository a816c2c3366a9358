/// Finds the call that a request belongs to, as the server does.
package enum Routes {
    /// - Parameters:
    ///   - path: Path and query.
    ///   - bodySize: The size of the request's body, which tells one job from a thousand.
    package static func call(path: String, bodySize: Int) -> Call? {
        if path.hasSuffix("/jobs/get-states") { return bodySize < 1000 ? .states1 : .states1000 }
        if path.hasSuffix("/finish") { return .finish }
        if path.hasSuffix("/notifications") { return .notify1000 }
        if path.hasSuffix("/batch-reserve") { return .reserve1000 }
        if isListing(path) {
            // Clients put the query's fields in different orders.
            return path.hasSuffix("limit=100") || path.contains("limit=100&") ? .list100 : .list1000
        }
        return path.contains("/jobs/") ? .job : nil
    }

    /// Whether a path with its query lists scheduled jobs. Compared by bytes: what a controller costs is measured around this, and
    /// a search for a text takes a quarter of the instructions of a call.
    package static func isListing(_ path: String) -> Bool {
        guard let query = path.utf8.firstIndex(of: UInt8(ascii: "?")) else { return false }
        let name = "/scheduled-jobs".utf8
        return path.utf8[..<query].suffix(name.count).elementsEqual(name)
    }
}
