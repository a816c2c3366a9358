import Foundation
import Workload

/// The ratios that are committed, and the rule by which a run is judged by them.
///
/// A ratio to the floor of the same round says the same on a faster machine, and a busy machine disturbs both sides of
/// it. What is left is noise, and noise is taken from the rounds themselves: half the distance between their quartiles,
/// over their median. A row fails when even the better quarter of its rounds is above the committed median by more than
/// ``margin`` and twice the noise, the committed one or this run's, whichever is larger.
struct Thresholds: Codable {
    struct Entry: Codable {
        var call: Call
        var concurrency: Int
        var competitor: Competitor
        /// The median over the rounds.
        var ratio: Double
        /// Half the distance between the quartiles over the median.
        var noise: Double
    }

    var entries: [Entry]

    /// What machines of one kind differ by, and kernels and libraries of one generation.
    static let margin = 0.15

    /// Those of a run.
    init(_ results: Results) {
        entries = results.rows.compactMap { row in
            guard row.competitor != .floor, let ratio = row.ratio else { return nil }
            func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
            return Entry(
                call: row.call, concurrency: row.concurrency, competitor: row.competitor,
                ratio: rounded(ratio.median), noise: rounded(ratio.noise))
        }
    }

    init(contentsOf file: URL) throws {
        self = try JSONDecoder().decode(Thresholds.self, from: Data(contentsOf: file))
    }

    func write(to file: URL) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try (encoder.encode(self) + [UInt8(ascii: "\n")]).write(to: file)
    }

    struct Verdict {
        var entry: Entry
        var measured: Spread
        var limit: Double
        var isWorse: Bool { measured.lowerQuartile > limit }
    }

    /// How the rows of a run compare; rows that are not committed have no verdict.
    func verdicts(on results: Results) -> [Verdict] {
        entries.compactMap { entry in
            let cell = Cell(call: entry.call, concurrency: entry.concurrency)
            guard let measured = results.row(cell, entry.competitor)?.ratio else { return nil }
            let limit = entry.ratio * (1 + Self.margin + 2 * max(entry.noise, measured.noise))
            return Verdict(entry: entry, measured: measured, limit: limit)
        }
    }

    static func text(_ verdicts: [Verdict]) -> String {
        var table = TextTable([
            "against the committed ratios", "committed", "median", "best quarter", "limit", "verdict",
        ])
        for verdict in verdicts {
            let entry = verdict.entry
            table.add([
                "\(entry.call.rawValue) at \(entry.concurrency), \(entry.competitor.rawValue)",
                entry.ratio.formatted(digits: 2), verdict.measured.median.formatted(digits: 2),
                verdict.measured.lowerQuartile.formatted(digits: 2), verdict.limit.formatted(digits: 2),
                verdict.isWorse ? "WORSE" : "ok",
            ])
        }
        return "\n" + table.text
    }
}
