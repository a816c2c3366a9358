import Contestant
import Foundation
import Workload

/// The counted costs that are committed, and the rule by which others are judged by them.
///
/// A figure is judged only where it has to be the same: requests everywhere; what is allocated, and system calls, with
/// the compiler that the committed ones are of, and with its libcurl where that takes part; instructions on a processor
/// of the same family besides. A figure that is not judged is printed all the same.
struct CommittedCosts {
    let costs: CountedCosts

    init(contentsOf file: URL) throws {
        guard let bytes = try? Data(contentsOf: file) else {
            throw Program.Failure(description: "\(file.path) cannot be read")
        }
        costs = try JSONDecoder().decode(CountedCosts.self, from: bytes)
    }

    static func write(_ costs: CountedCosts, to file: URL) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try (encoder.encode(costs) + [UInt8(ascii: "\n")]).write(to: file)
    }

    struct Verdict {
        var subject: String
        var measure: String
        var committed: Double
        var measured: Double
        /// The most that is let through; `nil` for a figure that is not judged.
        var limit: Double?
        var isWorse: Bool { limit.map { measured > $0 } ?? false }
    }

    /// How each of `measured` compares. What is not committed has no verdict.
    func verdicts(on measured: CountedCosts) -> [Verdict] {
        measured.rows.flatMap { row in
            CountedCosts.Measure.allCases.compactMap { measure in
                guard let figure = row.figures[measure],
                    let committed = costs.row(row.call, row.competitor)?.figures[measure]
                else { return nil }
                let isJudged = isComparable(measure, row.competitor, with: measured.origin)
                return Verdict(
                    subject: "\(row.call.rawValue), \(row.competitor.rawValue)", measure: measure.rawValue,
                    committed: committed, measured: figure,
                    limit: isJudged ? measure.limit(for: committed, of: row.competitor) : nil)
            }
        } + controllerVerdicts(on: measured)
    }

    /// What a controller asks of the server depends on the code, and a little on the random part of its intervals: two
    /// requests in what was counted of the hour.
    private func controllerVerdicts(on measured: CountedCosts) -> [Verdict] {
        HourReport.Load.allCases.compactMap { load in
            guard let committed = costs.requestsPerHour?[load], let figure = measured.requestsPerHour?[load] else {
                return nil
            }
            let oneRequest = 3600 / Double(CountedCosts.seconds(of: load))
            return Verdict(
                subject: "an hour of a controller, \(load.title)", measure: "requests", committed: Double(committed),
                measured: Double(figure), limit: Double(committed) * 1.02 + 2 * oneRequest)
        }
    }

    private func isComparable(
        _ measure: CountedCosts.Measure, _ competitor: Competitor, with other: CountedCosts.Origin
    ) -> Bool {
        let own = costs.origin
        return switch measure {
        case .requests: true
        case .kiloinstructions: own == other
        default: own.swift == other.swift && (competitor.isInMemory || own.libcurl == other.libcurl)
        }
    }

    /// Why some figures are not judged here, or nothing.
    func reservation(on measured: CountedCosts) -> String? {
        let (own, other) = (costs.origin, measured.origin)
        guard own != other else { return nil }
        return "Committed are figures of Swift \(own.swift), libcurl \(own.libcurl) and a processor \(own.processor); "
            + "these are of Swift \(other.swift), libcurl \(other.libcurl) and \(other.processor): what depends on "
            + "what differs is printed and not judged.\n"
    }

    /// A line for each figure, but for those that are nothing and were nothing.
    static func text(_ verdicts: [Verdict]) -> String {
        var table = TextTable(["a call, one at a time", "measure", "committed", "now", "limit", "verdict"])
        for verdict in verdicts where verdict.committed > 0 || verdict.measured > 0 {
            table.add([
                verdict.subject, verdict.measure,
                verdict.committed.formatted(digits: 2), verdict.measured.formatted(digits: 2),
                verdict.limit.map { $0.formatted(digits: 2) } ?? "–",
                verdict.isWorse ? "WORSE" : verdict.limit == nil ? "not judged" : "ok",
            ])
        }
        return table.text
    }
}

extension CountedCosts.Measure {
    /// The most that is let through where `committed` is what it was.
    func limit(for committed: Double, of competitor: Competitor) -> Double {
        switch self {
        // A caller on another thread wakes the I/O thread when it sleeps, which depends on the machine: once at most.
        case .writes where competitor == .stacksCurl, .reads where competitor == .stacksCurl: 1.05
        case .polls where competitor == .stacksCurl: committed * 1.1 + 1.25
        // A bound is a bound: what is asked of the server is the same to the last request.
        case .requests: committed
        // Buffers of libcurl and OpenSSL that grow now and then.
        case .allocations: committed * 1.02 + 0.5
        case .allocatedBytes: committed * 1.03 + 64
        // How many of them a response takes depends a little on when its parts arrive.
        case .sends, .receives, .writes, .reads, .polls, .socketOptions: committed * 1.1 + 0.25
        // What the kernel does on the side is counted too.
        case .kiloinstructions: committed * 1.08
        }
    }
}
