import Contestant
import Foundation
import Histogram
import Workload

/// One competitor in one cell: owns its process, and collects what the rounds give.
final class Entrant {
    let competitor: Competitor
    let build: Build
    let engine: String
    private let cell: Cell
    private let program: Program
    private let server: Server
    private var histogram = Histogram<UInt64>(
        highestTrackableValue: 600_000_000_000, numberOfSignificantValueDigits: .three)
    /// CPU time of one call in each round, in microseconds.
    private(set) var cpu: [Double] = []
    /// Thousands of instructions of one call in each round, where the machine counts them.
    private(set) var kiloinstructions: [Double] = []
    private var callsPerSecond: [Double] = []
    private var allocations: Allocations?
    private var callsCounted = 0
    private var calls = 0
    private var errors = 0
    private var firstError: String?
    private var peakMemory = 0
    private var connections = 0
    private var serverCPU = 0
    private var callsOfRound = 1

    init(_ competitor: Competitor, _ build: Build, cell: Cell, server: Server, executable: URL) throws {
        self.competitor = competitor
        self.build = build
        self.cell = cell
        self.server = server
        program = try Program(executable, competitor.arguments(at: server))
        engine = try program.receive(Greeting.self, within: 20).engine
    }

    /// Connects and warms up, and finds out how many calls make a round: from the better of two tries, because a round
    /// of too few calls measures its own beginning and end.
    func warmUp(milliseconds: Int) throws {
        for _ in 0..<2 {
            let report = try carryOut(calls: 200_000, milliseconds: milliseconds / 2 + 1)
            let rate = Double(report.calls) / Double(max(report.wallNanoseconds, 1)) * 1e6
            // On a busy machine a round is better late than short, and a few calls of each caller measure how they begin.
            callsOfRound = max(
                callsOfRound, Int(rate * Double(milliseconds)), 4 * cell.concurrency,
                cell.call.jobCount < 1000 ? 200 : 10)
        }
    }

    /// One round that counts.
    func run(milliseconds: Int) throws {
        let before = try server.counts()
        // The limit in time is for rounds that are disturbed; commonly the number of calls ends them.
        let report = try carryOut(calls: callsOfRound, milliseconds: 4 * milliseconds) { latency in
            _ = self.histogram.record(max(latency, 1))
        }
        serverCPU += (try server.counts().cpuNanoseconds ?? 0) - (before.cpuNanoseconds ?? 0)
        calls += report.calls
        cpu.append(Double(report.cpuNanoseconds) / Double(report.calls) / 1000)
        if let instructions = report.instructions {
            kiloinstructions.append(Double(instructions) / Double(report.calls) / 1000)
        }
        callsPerSecond.append(Double(report.calls) / Double(report.wallNanoseconds) * 1e9)
    }

    /// One round that does not count, in which the allocations are counted.
    func countAllocations(milliseconds: Int, sites: Bool = false) throws {
        let report = try carryOut(
            calls: callsOfRound, milliseconds: milliseconds, probe: sites ? .allocationSites : .counts)
        allocations = report.allocations
        callsCounted = report.calls
    }

    private func carryOut(
        calls: Int, milliseconds: Int, deed: Order.Deed = .answer, probe: Order.Probe = .nothing,
        record: (UInt64) -> Void = { _ in }
    ) throws -> Report {
        let before = try server.counts().connections
        var order = Order(call: cell.call, concurrency: cell.concurrency, calls: calls, milliseconds: milliseconds)
        order.deed = deed
        order.probe = probe
        try program.send(order)
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
    /// - Parameters:
    ///   - floor: What the floor showed in the same rounds.
    ///   - guest: What the guest showed in them, if there is one.
    func row(floor: Entrant?, guest: Entrant?) -> Row {
        func ratios(_ path: KeyPath<Entrant, [Double]>, over other: Entrant?) -> Spread? {
            guard let other, !self[keyPath: path].isEmpty, other[keyPath: path].count == self[keyPath: path].count
            else {
                return nil
            }
            return Spread(zip(self[keyPath: path], other[keyPath: path]).map { $0 / $1 })
        }
        func perCall(_ sum: Int?) -> Double? { sum.map { Double($0) / Double(max(callsCounted, 1)) } }
        func microseconds(_ percentile: Double) -> Double {
            (Double(histogram.valueAtPercentile(percentile)) / 1000).rounded(toDigits: 3)
        }
        return Row(
            call: cell.call, concurrency: cell.concurrency, competitor: competitor,
            cpuMicroseconds: Spread(cpu), ratio: ratios(\.cpu, over: floor), guestRatio: ratios(\.cpu, over: guest),
            kiloinstructions: kiloinstructions.isEmpty ? nil : Spread(kiloinstructions),
            instructionRatio: ratios(\.kiloinstructions, over: floor),
            cpuOfRounds: cpu.map { $0.rounded(toDigits: 4) },
            allocations: perCall(allocations?.count)?.rounded(toDigits: 2),
            allocatedKilobytes: perCall(allocations?.bytes).map { ($0 / 1024).rounded(toDigits: 3) },
            callsPerSecond: Spread(callsPerSecond),
            latencyMicroseconds: .init(p50: microseconds(50), p99: microseconds(99), p999: microseconds(99.9)),
            peakMemoryMegabytes: megabytes(peakMemory),
            connections: competitor.isInMemory ? nil : connections,
            calls: calls, errors: errors, firstError: firstError,
            serverCPUMicroseconds: (Double(serverCPU) / Double(max(calls, 1)) / 1000).rounded(toDigits: 3))
    }

    /// Makes calls for a while under the eyes of a profiler.
    func run(seconds: Int, under profile: Profile) throws {
        try profile.record(program.processIdentifier) {
            for _ in 0..<seconds * 5 { _ = try carryOut(calls: callsOfRound, milliseconds: 200) }
        }
    }

    /// The places that allocate, and over how many calls they were counted.
    var allocationSites: (sites: [Allocations.Site], calls: Int) { (allocations?.sites ?? [], callsCounted) }

    /// Many calls in portions of the same size, so that the buffer for their latencies is the same all the time.
    func endure(calls: Int) throws -> Endurance {
        // Ten thousand, and then tenths of the whole.
        let marks = ([10_000] + (1...10).map { calls * $0 / 10 }).filter { $0 <= calls }.sorted()
        var samples: [Endurance.Sample] = []
        var made = 0
        for mark in marks where mark > made {
            var last: Report?
            while made < mark {
                let report = try carryOut(calls: min(5000, mark - made), milliseconds: 60_000)
                made += report.calls
                last = report
            }
            guard let last else { continue }
            samples.append(
                .init(
                    calls: made, residentMegabytes: megabytes(last.residentMemoryBytes),
                    anonymousMegabytes: megabytes(last.anonymousMemoryBytes),
                    peakMegabytes: megabytes(last.peakMemoryBytes)))
        }
        return Endurance(competitor: competitor, samples: samples)
    }

    /// Calls without a response, cancelled.
    func cancel(calls: Int) throws -> Cancellation {
        let before = try server.counts()
        let report = try carryOut(calls: calls, milliseconds: 120_000, deed: .cancel) { latency in
            _ = self.histogram.record(max(latency, 1))
        }
        let reached = try server.counts().requests - before.requests
        func microseconds(_ nanoseconds: UInt64) -> Double { (Double(nanoseconds) / 1000).rounded(toDigits: 1) }
        return Cancellation(
            competitor: competitor, concurrency: cell.concurrency, calls: report.calls, reachedServer: reached,
            errors: report.errors,
            p50Microseconds: microseconds(histogram.valueAtPercentile(50)),
            p99Microseconds: microseconds(histogram.valueAtPercentile(99)),
            maximumMicroseconds: microseconds(histogram.max),
            cpuMicroseconds: (Double(report.cpuNanoseconds) / Double(report.calls) / 1000).rounded(toDigits: 2),
            connections: connections)
    }

    private func megabytes(_ bytes: Int) -> Double { (Double(bytes) / 1_048_576).rounded(toDigits: 2) }

    func stop() { program.stop() }
}
