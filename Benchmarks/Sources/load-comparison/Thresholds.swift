import Foundation
import Workload

/// The ratios that are committed, and the rule by which a run is judged by them.
///
/// A ratio to the floor of the same round says the same on a faster machine, and a busy machine disturbs both sides of
/// it. What is left is noise: between rounds, and more between processes, whose threads settle into one rhythm or
/// another. So ratios are recorded over several sittings, each with processes of its own, and the noise of a row is how
/// far its sittings are apart, or its rounds where that is more. A row is worse when even the better quarter of its
/// rounds is above the committed median by more than ``margin`` and twice the noise, and it fails when that is so in
/// ``sittings`` sittings in a row.
struct Thresholds: Codable {
    struct Entry: Codable {
        var call: Call
        var concurrency: Int
        var competitor: Competitor
        /// The median over the sittings of the medians over the rounds.
        var ratio: Double
        /// Half the distance between the sittings that are farthest apart, or between the rounds' quartiles where that
        /// is more, over the ratio.
        var noise: Double
    }

    var entries: [Entry]

    /// What machines of one kind differ by, and kernels and libraries of one generation.
    static let margin = 0.15

    /// How often a row may be measured before it counts as worse, and how often it is measured for recording.
    static let sittings = 3

    /// Those of several sittings.
    init(_ sittings: [Results]) {
        entries = (sittings.first?.rows ?? []).compactMap { row in
            let ratios = sittings.compactMap { $0.row(row.cell, row.competitor)?.ratio }
            guard row.competitor != .floor, !ratios.isEmpty else { return nil }
            let medians = ratios.map(\.median).sorted()
            let middle = Spread(medians).median
            let apart = (medians[medians.count - 1] - medians[0]) / 2 / middle
            return Entry(
                call: row.call, concurrency: row.concurrency, competitor: row.competitor,
                ratio: middle.rounded(toDigits: 3),
                noise: max(apart, ratios.map(\.noise).max() ?? 0).rounded(toDigits: 3))
        }
    }

    init(contentsOf file: URL) throws {
        guard let bytes = try? Data(contentsOf: file) else {
            throw Program.Failure(description: "\(file.path) cannot be read")
        }
        self = try JSONDecoder().decode(Thresholds.self, from: bytes)
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
        var cell: Cell { Cell(call: entry.call, concurrency: entry.concurrency) }
        var isWorse: Bool { measured.lowerQuartile > limit }
    }

    /// How the rows of a run compare; rows that are not committed have no verdict.
    func verdicts(on results: Results) -> [Verdict] {
        entries.compactMap { entry in
            let cell = Cell(call: entry.call, concurrency: entry.concurrency)
            guard let measured = results.row(cell, entry.competitor)?.ratio else { return nil }
            let limit = entry.ratio * (1 + Self.margin + 2 * entry.noise)
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
