import Workload

/// What the package sets out to reach, beside what a run found: only what this program can measure.
struct Goals {
    private struct Line {
        var title: String
        var goal: String
        var measured: String
        var isReached: Bool
    }

    private var lines: [Line] = []

    init(_ results: Results) {
        addRatio(results, .stacksCurl, limit: 1.25)
        addRatio(results, .stacksCurlExecutor, limit: 1.1)
        for competitor in [Competitor.stacksCurl, .stacksCurlExecutor] { addListing(results, competitor) }
        for competitor in [Competitor.stacksCurl, .stacksCurlExecutor] { addGrowth(results, competitor) }
        if let endurance = results.endurance {
            lines.append(
                Line(
                    title: "memory, 128 in flight, \(endurance.calls) calls", goal: "≤ 30 MB, flat",
                    measured: "\(endurance.earlyMegabytes.formatted(digits: 1)) MB after a tenth of them, "
                        + "\(endurance.finalMegabytes.formatted(digits: 1)) MB after all",
                    isReached: endurance.finalMegabytes <= 30))
        }
    }

    var text: String {
        guard !lines.isEmpty else { return "" }
        var table = TextTable(["goal", "is", "measured", "reached"])
        for line in lines { table.add([line.title, line.goal, line.measured, line.isReached ? "yes" : "no"]) }
        return "\n" + table.text
    }

    /// The worst ratio to the floor of a small call, at the concurrencies that the goal is about.
    private mutating func addRatio(_ results: Results, _ competitor: Competitor, limit: Double) {
        let rows = results.rows.filter { row in
            row.competitor == competitor && row.call == .states1 && row.concurrency <= 256
        }
        let worst = rows.compactMap { row in row.ratio.map { (row.concurrency, $0.median) } }.max { $0.1 < $1.1 }
        guard let worst else { return }
        lines.append(
            Line(
                title: "\(competitor.rawValue): CPU of a call over the floor's, 1 to 256 at a time", goal: "≤ \(limit)",
                measured: "\(worst.1.formatted(digits: 2)) at \(worst.0)", isReached: worst.1 <= limit))
    }

    private mutating func addListing(_ results: Results, _ competitor: Competitor) {
        let rows = results.rows.filter { $0.competitor == competitor && $0.call == .list1000 }
        guard let row = rows.min(by: { $0.concurrency < $1.concurrency }) else { return }
        let milliseconds = row.cpuMicroseconds.median / 1000
        lines.append(
            Line(
                title: "\(competitor.rawValue): CPU of listing 1000 jobs", goal: "≤ 1.2 ms",
                measured: "\(milliseconds.formatted(digits: 2)) ms", isReached: milliseconds <= 1.2))
    }

    private mutating func addGrowth(_ results: Results, _ competitor: Competitor) {
        guard let few = results.row(Cell(call: .states1, concurrency: 32), competitor),
            let many = results.row(Cell(call: .states1, concurrency: 1024), competitor)
        else { return }
        let growth = many.cpuMicroseconds.median / few.cpuMicroseconds.median
        lines.append(
            Line(
                title: "\(competitor.rawValue): CPU of a call, 1024 at a time over 32", goal: "≤ 1.2",
                measured: growth.formatted(digits: 2), isReached: growth <= 1.2))
    }
}
