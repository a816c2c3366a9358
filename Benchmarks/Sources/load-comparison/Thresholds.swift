import Foundation
import Workload

/// The figures that are committed, and the rule by which a run is judged by them.
///
/// Instructions are judged where the machine counts them, because nothing else that runs changes them much; CPU time
/// where it does not; and the number of allocations wherever it is known. Instructions and CPU time are ratios to the
/// floor of the same round, which say the same on a faster machine. What is left is noise: between rounds, and more
/// between processes, whose threads settle into one rhythm or another. So figures are recorded over several sittings,
/// each with processes of its own, and the noise of a figure is how far its sittings are apart, or its rounds where
/// that is more. A figure is worse when even the better quarter of its rounds is above the committed one by more than
/// the measure's margin and twice the noise, and it fails when that is so in ``sittings`` sittings in a row.
struct Thresholds: Codable {
    enum Measure: String, Codable {
        case instructions
        case cpu
        case allocations

        /// What machines of one kind differ by, and kernels and libraries of one generation.
        var margin: Double {
            switch self {
            case .instructions: 0.08
            case .cpu: 0.3
            case .allocations: 0.1
            }
        }

        func figure(of row: Row) -> Spread? {
            switch self {
            case .instructions: row.instructionRatio
            case .cpu: row.ratio
            case .allocations: row.allocations.map { Spread([$0]) }
            }
        }
    }

    struct Entry: Codable {
        var call: Call
        var concurrency: Int
        var competitor: Competitor
        var measure: Measure
        /// The median over the sittings of the medians over the rounds.
        var value: Double
        /// Half the distance between the sittings that are farthest apart, or between the rounds' quartiles where that
        /// is more, over the value.
        var noise: Double

        var cell: Cell { Cell(call: call, concurrency: concurrency) }
    }

    var entries: [Entry]

    /// How often a row may be measured before it counts as worse, and how often it is measured for recording.
    static let sittings = 3

    /// Those of several sittings.
    init(_ sittings: [Results]) {
        entries = (sittings.first?.rows ?? []).filter { $0.competitor != .floor }.flatMap { row in
            [Measure.instructions, .cpu, .allocations].compactMap { measure in
                let figures = sittings.compactMap { $0.row(row.cell, row.competitor).flatMap(measure.figure) }
                guard !figures.isEmpty else { return nil }
                let medians = figures.map(\.median).sorted()
                let middle = Spread(medians).median
                let apart = (medians[medians.count - 1] - medians[0]) / 2 / middle
                return Entry(
                    call: row.call, concurrency: row.concurrency, competitor: row.competitor, measure: measure,
                    value: middle.rounded(toDigits: 3),
                    noise: max(apart, figures.map(\.noise).max() ?? 0).rounded(toDigits: 3))
            }
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
        var isWorse: Bool { measured.lowerQuartile > limit }
    }

    /// How the rows of a run compare; rows that are not committed have no verdict.
    func verdicts(on results: Results) -> [Verdict] {
        entries.compactMap { entry in
            guard let row = results.row(entry.cell, entry.competitor), let measured = entry.measure.figure(of: row),
                entry.measure != .cpu || !isJudgedByInstructions(row)
            else { return nil }
            let limit = entry.value * (1 + entry.measure.margin + 2 * entry.noise)
            return Verdict(entry: entry, measured: measured, limit: limit)
        }
    }

    private func isJudgedByInstructions(_ row: Row) -> Bool {
        row.instructionRatio != nil
            && entries.contains {
                $0.measure == .instructions && $0.cell == row.cell && $0.competitor == row.competitor
            }
    }

    static func text(_ verdicts: [Verdict]) -> String {
        var table = TextTable([
            "against the committed figures", "measure", "committed", "median", "best quarter", "limit", "verdict",
        ])
        for verdict in verdicts {
            let entry = verdict.entry
            table.add([
                "\(entry.call.rawValue) at \(entry.concurrency), \(entry.competitor.rawValue)", entry.measure.rawValue,
                entry.value.formatted(digits: 2), verdict.measured.median.formatted(digits: 2),
                verdict.measured.lowerQuartile.formatted(digits: 2), verdict.limit.formatted(digits: 2),
                verdict.isWorse ? "WORSE" : "ok",
            ])
        }
        return "\n" + table.text
    }
}
