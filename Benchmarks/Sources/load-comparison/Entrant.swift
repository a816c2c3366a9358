import Contestant
import Foundation
import Histogram
import Workload

/// One competitor in one cell: owns its process, and collects what the rounds give.
final class Entrant {
    let competitor: Competitor
    let engine: String
    private let cell: Cell
    private let program: Program
    private let server: Server
    private var histogram = Histogram<UInt64>(
        highestTrackableValue: 600_000_000_000, numberOfSignificantValueDigits: .three)
    /// CPU time of one call in each round, in microseconds.
    private(set) var cpu: [Double] = []
    private var callsPerSecond: [Double] = []
    private var calls = 0
    private var errors = 0
    private var firstError: String?
    private var peakMemory = 0
    private var connections = 0
    private var serverCPU = 0
    private var callsOfRound = 1

    init(_ competitor: Competitor, cell: Cell, server: Server, directory: URL) throws {
        self.competitor = competitor
        self.cell = cell
        self.server = server
        program = try Program(
            directory.appendingPathComponent(competitor.program),
            ["--url", server.url, "--ca-file", server.authorityFile] + competitor.flags)
        engine = try program.receive(Greeting.self, within: 20).engine
    }

    /// Connects and warms up, and finds out how many calls make a round: from the better of two tries, because a round
    /// of too few calls measures its own beginning and end.
    func warmUp(milliseconds: Int) throws {
        for _ in 0..<2 {
            let report = try carryOut(calls: 200_000, milliseconds: milliseconds / 2 + 1)
            let rate = Double(report.calls) / Double(max(report.wallNanoseconds, 1)) * 1e6
            callsOfRound = max(callsOfRound, Int(rate * Double(milliseconds)), cell.concurrency, 5)
        }
    }

    /// One round that counts.
    func run(milliseconds: Int) throws {
        let before = try server.counts()
        // The limit in time is for rounds that are disturbed; commonly the number of calls ends them.
        let report = try carryOut(calls: callsOfRound, milliseconds: 4 * milliseconds) { latency in
            _ = self.histogram.record(max(latency, 1))
        }
        serverCPU += try server.counts().cpuNanoseconds - before.cpuNanoseconds
        calls += report.calls
        cpu.append(Double(report.cpuNanoseconds) / Double(report.calls) / 1000)
        callsPerSecond.append(Double(report.calls) / Double(report.wallNanoseconds) * 1e9)
    }

    private func carryOut(
        calls: Int, milliseconds: Int, record: (UInt64) -> Void = { _ in }
    ) throws -> Report {
        let before = try server.counts().connections
        try program.send(
            Order(call: cell.call, concurrency: cell.concurrency, calls: calls, milliseconds: milliseconds))
        let report = try program.receive(Report.self, within: 120)
        for latency in try program.receive(count: report.calls, within: 20) { record(latency) }
        connections += try server.counts().connections - before
        errors += report.errors
        if let error = report.firstError, firstError == nil { firstError = error }
        peakMemory = max(peakMemory, report.peakMemoryBytes)
        guard report.calls > 0 else { throw Program.Failure(description: "\(competitor.rawValue) made no call") }
        return report
    }

    /// What it showed.
    ///
    /// - Parameter floor: The floor's CPU times, round by round.
    func row(floor: [Double]?) -> Row {
        let ratios = floor.map { floor in zip(cpu, floor).map { $0 / $1 } }
        func microseconds(_ percentile: Double) -> Double {
            (Double(histogram.valueAtPercentile(percentile)) / 1000).rounded(toDigits: 3)
        }
        return Row(
            call: cell.call, concurrency: cell.concurrency, competitor: competitor,
            cpuMicroseconds: Spread(cpu), ratio: ratios.map { Spread($0) }, callsPerSecond: Spread(callsPerSecond),
            latencyMicroseconds: .init(p50: microseconds(50), p99: microseconds(99), p999: microseconds(99.9)),
            peakMemoryMegabytes: megabytes(peakMemory),
            connections: competitor == .stacksMemory ? nil : connections,
            calls: calls, errors: errors, firstError: firstError,
            serverCPUMicroseconds: (Double(serverCPU) / Double(max(calls, 1)) / 1000).rounded(toDigits: 3))
    }

    /// Many calls in a hundred portions, so that the buffer for their latencies stays small.
    func endure(calls: Int) throws -> Endurance {
        let portion = max(calls / 100, 1)
        var early = 0
        for index in 1...100 {
            _ = try carryOut(calls: portion, milliseconds: 60_000)
            if index == 10 { early = peakMemory }
        }
        return Endurance(
            calls: 100 * portion, earlyMegabytes: megabytes(early), finalMegabytes: megabytes(peakMemory))
    }

    private func megabytes(_ bytes: Int) -> Double { (Double(bytes) / 1_048_576).rounded(toDigits: 2) }

    func stop() { program.stop() }
}
