import Workload

extension Results {
    /// What a person reads: a table for each cell.
    var text: String {
        var text =
            "\(machine.title), load \(machine.loadBefore.short) before and \(machine.loadAfter.short) after; "
        text += "\(rounds) rounds of \(roundMilliseconds) ms each, taken in turns\n\(server)\n"
        for (name, engine) in engines.sorted(by: { $0.key < $1.key }) {
            text += "\(name): \(engine.split(separator: " ").prefix(2).joined(separator: " "))\n"
        }
        for cell in cells { text += "\n" + table(for: cell) }
        text += besides + controllerText
        for absence in absent {
            text += "\n\(absence.text)\n"
        }
        for failure in suffixed.compactMap(\.measurements.countingFailure) {
            text += "\nValgrind failed, so some rows have no instructions: \(failure)\n"
        }
        return text
    }

    /// What the builds that took part showed, and what follows the names in their rows.
    var suffixed: [(suffix: String, measurements: Measurements)] {
        ([.current] + (baseline == nil ? [] : [.baseline])).map { (suffix(of: $0), self[$0]) }
    }

    /// Cancelled calls, and memory.
    private var besides: String {
        var text = ""
        if !current.cancellations.isEmpty {
            var table = TextTable([
                "calls that hang, cancelled", "at a time", "calls", "at the server", "p50 µs", "p99 µs", "longest µs",
                "CPU µs", "connections", "errors",
            ])
            for (suffix, measurements) in suffixed {
                for row in measurements.cancellations {
                    table.add([
                        row.competitor.rawValue + suffix, "\(row.concurrency)", "\(row.calls)", "\(row.reachedServer)",
                        row.p50Microseconds.short, row.p99Microseconds.short, row.maximumMicroseconds.short,
                        row.cpuMicroseconds.short, "\(row.connections)", "\(row.errors)",
                    ])
                }
            }
            text += "\n" + table.text
        }
        for case (let suffix, let endurance?) in suffixed.map({ ($0, $1.endurance) }) {
            var table = TextTable([
                "\(endurance.competitor.rawValue)\(suffix), 128 in flight", "resident MB", "of it no file's", "peak MB",
            ])
            for sample in endurance.samples {
                table.add([
                    "after \(sample.calls) calls", sample.residentMegabytes.formatted(digits: 2),
                    sample.anonymousMegabytes.formatted(digits: 2),
                    sample.peakMegabytes.formatted(digits: 2),
                ])
            }
            text += "\n" + table.text
        }
        return text + allocationListings.map(\.text).joined()
    }

    private func table(for cell: Cell) -> String {
        var table = TextTable([
            "\(cell.call.title), \(cell.concurrency) at a time", "CPU µs", "±", "× floor", "±", "k instr.", "× floor",
            "alloc.", "KB", "calls/s", "p50 ms",
            "p99 ms", "p99.9 ms", "MB", "connections", "errors", "server µs",
        ])
        let rows = suffixed.flatMap { suffix, measurements in
            measurements.rows.filter { $0.cell == cell }.map { (name: $0.competitor.rawValue + suffix, row: $0) }
        }
        for (name, row) in rows {
            table.add([
                name,
                row.cpuMicroseconds.median.short, percent(row.cpuMicroseconds.noise),
                row.ratio.map { $0.median.formatted(digits: 2) } ?? "–", row.ratio.map { percent($0.noise) } ?? "–",
                row.kiloinstructions.map { $0.median.short } ?? "–",
                row.instructionRatio.map { $0.median.formatted(digits: 2) } ?? "–",
                row.allocations.map { $0.formatted(digits: 1) } ?? "–",
                row.allocatedKilobytes.map { $0.short } ?? "–",
                row.callsPerSecond.median.formatted(digits: 0),
                milliseconds(row.latencyMicroseconds.p50), milliseconds(row.latencyMicroseconds.p99),
                milliseconds(row.latencyMicroseconds.p999),
                row.peakMemoryMegabytes.formatted(digits: 1), row.connections.map(String.init) ?? "–", "\(row.errors)",
                row.competitor.isInMemory ? "–" : row.serverCPUMicroseconds.short,
            ])
        }
        let failures = rows.compactMap { name, row in
            row.firstError.map { "  \(name): \($0.prefix(200))\n" }
        }
        return table.text + failures.joined()
    }

    private func percent(_ share: Double) -> String { "\((share * 100).formatted(digits: 0)) %" }

    private func milliseconds(_ microseconds: Double) -> String { (microseconds / 1000).formatted(digits: 2) }
}
