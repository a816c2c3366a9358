import Workload

extension Results {
    /// What a person reads: a table for each cell.
    var text: String {
        var text =
            "\(machine.cores) cores, load \(machine.loadBefore.short) before and \(machine.loadAfter.short) after; "
        text += "\(rounds) rounds of \(roundMilliseconds) ms each, taken in turns\n\(server)\n"
        for (name, engine) in engines.sorted(by: { $0.key < $1.key }) {
            text += "\(name): \(engine.split(separator: " ").prefix(2).joined(separator: " "))\n"
        }
        for cell in cells { text += "\n" + table(for: cell) }
        for absence in absent {
            text += "\n\(absence.competitor.rawValue) is not in \(absence.cell.call.rawValue) at "
            text += "\(absence.cell.concurrency): \(absence.reason)\n"
        }
        return text
    }

    private func table(for cell: Cell) -> String {
        var table = TextTable([
            "\(cell.call.title), \(cell.concurrency) at a time", "CPU µs", "±", "× floor", "±", "calls/s", "p50 ms",
            "p99 ms", "p99.9 ms", "MB", "connections", "errors", "server µs",
        ])
        for row in rows where row.cell == cell {
            table.add([
                row.competitor.rawValue,
                row.cpuMicroseconds.median.short, percent(row.cpuMicroseconds.noise),
                row.ratio.map { $0.median.formatted(digits: 2) } ?? "–", row.ratio.map { percent($0.noise) } ?? "–",
                row.callsPerSecond.median.formatted(digits: 0),
                milliseconds(row.latencyMicroseconds.p50), milliseconds(row.latencyMicroseconds.p99),
                milliseconds(row.latencyMicroseconds.p999),
                row.peakMemoryMegabytes.formatted(digits: 1), row.connections.map(String.init) ?? "–", "\(row.errors)",
                row.competitor == .stacksMemory ? "–" : row.serverCPUMicroseconds.short,
            ])
        }
        let failures = rows.filter { $0.cell == cell }.compactMap { row in
            row.firstError.map { "  \(row.competitor.rawValue): \($0.prefix(200))\n" }
        }
        return table.text + failures.joined()
    }

    private func percent(_ share: Double) -> String { "\((share * 100).formatted(digits: 0)) %" }

    private func milliseconds(_ microseconds: Double) -> String { (microseconds / 1000).formatted(digits: 2) }
}
