import Workload

extension Comparison {
    /// Puts into the rows of a small call what Valgrind counts, if it is installed: everyone's or, when one cannot be counted,
    /// nobody's of this cell. The first failure is also the last try, because each can take minutes.
    func countInstructions(in cell: Cell, at server: Server, into results: inout Results) {
        guard let valgrind, results.countingFailure == nil, cell.call == .states1, cell.concurrency <= 256 else {
            return
        }
        var counts: [Competitor: Double] = [:]
        for row in results.rows where row.cell == cell && Competitor.countedByValgrind.contains(row.competitor) {
            progress("instructions of \(row.competitor.rawValue), \(cell.call.rawValue) at \(cell.concurrency)")
            do {
                counts[row.competitor] = try valgrind.instructions(
                    of: row.competitor, program: executable(of: row.competitor), in: cell, at: server)
            } catch {
                results.countingFailure = "\(error)"
                return
            }
        }
        for index in results.rows.indices where results.rows[index].cell == cell {
            guard let count = counts[results.rows[index].competitor] else { continue }
            results.rows[index].kiloinstructions = Spread([count / 1000])
            results.rows[index].instructionRatio = counts[.floor].map { Spread([count / $0]) }
            results.machine.instructionCounting = .valgrind
        }
    }
}
