import Contestant
import Foundation
import Workload

/// Counts the instructions of a call with Valgrind, where the processor does not count them: those of the contestant's process,
/// without the kernel's (<https://valgrind.org/docs/manual/cg-manual.html>).
struct Valgrind {
    private let valgrind: URL
    private let strip: URL

    /// `nil` unless `valgrind` and `strip` are in a folder of `PATH`.
    init?() {
        guard let valgrind = Program.find("valgrind"), let strip = Program.find("strip") else { return nil }
        self.valgrind = valgrind
        self.strip = strip
    }

    /// The instructions of one call.
    ///
    /// A process is counted as a whole, so two of them are counted that differ in their number of calls alone.
    ///
    /// - Parameter program: The competitor's program. What runs is a copy without debugging information, because some versions
    ///   of Valgrind give up on that of Swift.
    func instructions(
        of competitor: Competitor, program: URL, in cell: Cell, at server: Server
    ) throws -> Double {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("benchmark-valgrind-\(UUID().uuidString.lowercased())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: folder) }
        do {
            let copy = folder.appendingPathComponent(program.lastPathComponent)
            guard try Program(strip, ["-g", "-o", copy.path, program.path]).end(within: 60) else {
                throw Program.Failure(description: "\(strip.path) could not copy \(program.path)")
            }
            let command = [copy.path] + competitor.arguments(at: server)
            let calls = max(1000, 4 * cell.concurrency)
            let few = try total(command, calls: calls, in: cell, log: folder.appendingPathComponent("few"))
            let many = try total(command, calls: 3 * calls, in: cell, log: folder.appendingPathComponent("many"))
            guard let count = Self.perCall((calls, few), (3 * calls, many)) else {
                throw Program.Failure(
                    description: "\(calls) calls took \(few) instructions, and \(3 * calls) took only \(many)")
            }
            return count
        } catch {
            throw Program.Failure(
                description: "\(competitor.rawValue) under Valgrind, \(cell.concurrency) at a time: \(error)")
        }
    }

    /// The instructions of a process that warms up and then makes so many calls.
    private func total(_ command: [String], calls: Int, in cell: Cell, log: URL) throws -> Int {
        let options = [
            "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null", "--vgdb=no",
            "--log-file=\(log.path)",
        ]
        let program = try Program(valgrind, options + command)
        do {
            _ = try program.receive(Greeting.self, within: 60)
            try carryOut(max(500, 2 * cell.concurrency), of: cell, by: program)
            try carryOut(calls, of: cell, by: program)
            guard program.end(within: 60) else {
                throw Program.Failure(description: "it did not end, or not without an error")
            }
            guard let count = Self.instructions(in: Self.text(of: log)) else {
                throw Program.Failure(description: "it did not say how many instructions it counted")
            }
            return count
        } catch {
            program.stop()
            // What it says of itself, and the line that follows.
            let complaint = Self.text(of: log).split(separator: "\n").drop { !$0.hasPrefix("valgrind: ") }.prefix(2)
                .joined(separator: " ")
            throw Program.Failure(description: "\(error)" + (complaint.isEmpty ? "" : " (\(complaint.prefix(300)))"))
        }
    }

    private func carryOut(_ calls: Int, of cell: Cell, by program: Program) throws {
        // As many calls as there are to be: the time is no limit.
        try program.send(Order(call: cell.call, concurrency: cell.concurrency, calls: calls, milliseconds: 3_600_000))
        let report = try program.receive(Report.self, within: 180)
        _ = try program.receive(count: report.calls, within: 60)
        guard report.errors == 0, report.calls == calls else {
            let reason = report.firstError ?? "\(report.calls) calls of \(calls) were made"
            throw Program.Failure(description: reason)
        }
    }

    private static func text(of file: URL) -> String { (try? String(contentsOf: file, encoding: .utf8)) ?? "" }
}

// MARK: - Arithmetic

extension Valgrind {
    /// What one call takes, or `nil` if more calls did not take more.
    static func perCall(_ few: (calls: Int, instructions: Int), _ many: (calls: Int, instructions: Int)) -> Double? {
        guard many.calls > few.calls, many.instructions > few.instructions else { return nil }
        return Double(many.instructions - few.instructions) / Double(many.calls - few.calls)
    }

    /// The sum in what Cachegrind prints at the end, `I   refs:      1,234`, or `nil` without such a line.
    static func instructions(in log: String) -> Int? {
        for line in log.split(separator: "\n") {
            let words = line.split(separator: " ")
            if let label = words.firstIndex(of: "refs:"), label > 0, words[label - 1] == "I", label + 1 < words.count {
                return Int(words[label + 1].filter { $0 != "," })
            }
        }
        return nil
    }
}
