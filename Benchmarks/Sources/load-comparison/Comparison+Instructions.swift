import Workload

extension Comparison {
    /// Puts into the rows of a small call what Valgrind counts, if it is installed: those of a build or, when one cannot be
    /// counted, none of it in this cell. The first failure is also the build's last try, because each can take minutes.
    func countInstructions(in cell: Cell, at server: Server, into results: inout Results) {
        guard let valgrind, results.current.countingFailure == nil, cell.call == .states1, cell.concurrency <= 256
        else { return }
        var floor: Double?
        for build in builds where results[build].countingFailure == nil {
            var counts: [Competitor: Double] = [:]
            do {
                for row in results[build].rows
                where row.cell == cell && Competitor.countedByValgrind.contains(row.competitor) {
                    let name = row.competitor.rawValue + results.suffix(of: build)
                    progress("instructions of \(name), \(cell.call.rawValue) at \(cell.concurrency)")
                    counts[row.competitor] = try valgrind.instructions(
                        of: row.competitor, program: executable(of: row.competitor, build), in: cell, at: server)
                }
            } catch {
                // Without the floor's and those of the current build, which comes first, the baseline's say nothing.
                results[build].countingFailure = "\(error)"
                return
            }
            if build == .current { floor = counts[.floor] }
            for index in results[build].rows.indices where results[build].rows[index].cell == cell {
                guard let count = counts[results[build].rows[index].competitor] else { continue }
                results[build].rows[index].kiloinstructions = Spread([count / 1000])
                results[build].rows[index].instructionRatio = floor.map { Spread([count / $0]) }
                results.machine.instructionCounting = .valgrind
            }
        }
    }
}
