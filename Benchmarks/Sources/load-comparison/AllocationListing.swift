import Contestant
import Workload

/// Where a client allocates during a call: a line for each place, most allocations first.
struct AllocationListing: Codable, Sendable {
    let competitor: Competitor
    let cell: Cell
    /// What was counted over all ``calls``.
    let sites: [Allocations.Site]
    let calls: Int

    init(_ competitor: Competitor, _ cell: Cell, _ sites: [Allocations.Site], calls: Int) {
        self.competitor = competitor
        self.cell = cell
        self.sites = sites
        self.calls = max(calls, 1)
    }

    var text: String {
        let count = sites.reduce(0) { $0 + $1.count }
        let bytes = sites.reduce(0) { $0 + $1.bytes }
        var text = "\n\(competitor.rawValue), \(cell.call.title), \(cell.concurrency) at a time: "
        text += "\(perCall(count)) allocations of \(perCall(bytes)) bytes for a call\n"
        text += "    count   bytes  where, from the inside out\n"
        // What does not happen once in fifty calls is not part of a call.
        for site in sites where Double(site.count) / Double(calls) >= 0.02 {
            text += right(perCall(site.count), 9) + right(perCall(site.bytes), 8)
            text += "  \(site.functions.isEmpty ? "?" : site.functions.joined(separator: " ← "))\n"
        }
        return text
    }

    private func perCall(_ sum: Int) -> String { (Double(sum) / Double(calls)).short }

    private func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(width - text.count, 0)) + text
    }
}
