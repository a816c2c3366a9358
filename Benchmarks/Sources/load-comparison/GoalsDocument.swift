import Contestant
import Foundation
import Workload

/// The document with the goals: a section for each machine that a run was recorded on. A run replaces its machine's
/// section and leaves the others.
struct GoalsDocument {
    private var introduction: [String]
    private var sections: [(title: String, lines: [String])] = []

    /// - Parameter text: A document as this writes it, or nothing.
    init(_ text: String) {
        introduction = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            if line.hasPrefix("## ") {
                sections.append((String(line.dropFirst(3)), []))
            } else if sections.isEmpty {
                introduction.append(line)
            } else {
                sections[sections.count - 1].lines.append(line)
            }
        }
    }

    /// Puts in what a run showed.
    mutating func record(_ results: Results) {
        let title = results.machine.title
        let lines = results.recorded.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if let index = sections.firstIndex(where: { $0.title == title }) {
            sections[index].lines = lines
        } else {
            sections.append((title, lines))
        }
    }

    var text: String {
        let parts = [introduction] + sections.map { ["## \($0.title)"] + $0.lines }
        return parts.map { Self.trimmed($0).joined(separator: "\n") }.filter { !$0.isEmpty }.joined(separator: "\n\n")
            + "\n"
    }

    private static func trimmed(_ lines: [String]) -> [String] {
        var lines = lines[...]
        while lines.last?.isEmpty == true { lines.removeLast() }
        while lines.first?.isEmpty == true { lines.removeFirst() }
        return Array(lines)
    }
}

extension Results {
    /// A machine's section: what the run stood on, the goals, and the figures that they are made of.
    fileprivate var recorded: String {
        let engines = ["floor", "guest"].compactMap { name -> String? in
            guard let engine = self.engines[name] else { return nil }
            return "\(name): " + engine.split(separator: " ").prefix(2).joined(separator: " ")
        }
        var text = "\n\(engines.joined(separator: "; ")); load \(machine.loadBefore.short) "
        text += "before and \(machine.loadAfter.short) after."
        if let baseline {
            text += " The build of \(baseline.name) took part in the same run. Its column compares this package's own "
            text += "values, such as CPU times, and not the ratios of the row: less is better."
            for absence in absent where absence.build == .baseline { text += " \(absence.text)." }
        }
        if machine.instructionCounting == .valgrind {
            text += " Instructions are those of the process, without the kernel's, counted by Valgrind."
        }
        for failure in [current.countingFailure, baseline?.measurements.countingFailure] {
            if let failure { text += " Some are missing: \(failure)." }
        }
        text += "\n\n" + goals.markdown(over: baseline?.name)
        let cells = cells.filter { $0.call == .states1 }
        if !cells.isEmpty {
            var table = TextTable(["a call's p50, p99, p99.9 in ms"] + cells.map { "\($0.concurrency) at a time" })
            for competitor in Competitor.allCases where !competitor.isInMemory {
                if let latencies = latencies(of: competitor, in: cells) { table.add(latencies) }
            }
            text += "\n" + table.markdown
        }
        return text
    }

    private func latencies(of competitor: Competitor, in cells: [Cell]) -> [String]? {
        let texts = cells.map { cell in
            current.row(cell, competitor).map { row in
                let latency = row.latencyMicroseconds
                return [latency.p50, latency.p99, latency.p999].map { ($0 / 1000).short }.joined(separator: ", ")
            }
        }
        return texts.contains { $0 != nil } ? [competitor.rawValue] + texts.map { $0 ?? "–" } : nil
    }
}
