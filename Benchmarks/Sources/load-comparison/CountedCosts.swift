import Contestant
import Foundation
import Workload

/// What a call costs in what can be counted. Nothing else that runs on the machine changes it.
struct CountedCosts: Codable, Sendable {
    enum Measure: String, Codable, CodingKeyRepresentable, CaseIterable {
        case allocations
        case allocatedBytes
        case requests
        case sends
        case receives
        /// To what is no socket: the bytes that wake an I/O thread.
        case writes
        case reads
        case polls
        case socketOptions
        case kiloinstructions
    }

    /// What one competitor showed in one call, made by one caller again and again.
    struct Row: Codable, Sendable {
        var call: Call
        var competitor: Competitor
        /// For one call.
        var figures: [Measure: Double]
    }

    /// What the figures depend on besides the code.
    struct Origin: Codable, Hashable, Sendable {
        /// The compiler: how much it takes off the heap is its business.
        var swift: String
        var libcurl: String
        /// Vendor and family, which decide how much an instruction does.
        var processor: String
    }

    var origin: Origin
    var rows: [Row]
    /// The requests of a controller in an hour. Its intervals differ by a tenth, so that these do a little.
    var requestsPerHour: [HourReport.Load: Int]?

    func row(_ call: Call, _ competitor: Competitor) -> Row? {
        rows.first { $0.call == call && $0.competitor == competitor }
    }
}

// MARK: - Counting

extension CountedCosts {
    /// Who is counted: what this package is responsible for.
    static let competitors: [Competitor] = [.stacksMemory, .stacksCurl, .stacksCurlExecutor]

    /// What happens beside the calls, a thread's first allocation for example, only adds, so the least of some rounds
    /// is what counts.
    private static let rounds = 5

    /// Counts in every call, one at a time: with several in flight it depends on the machine which of them meet.
    ///
    /// - Parameter server: `fault-server`, which the tests have built already. How fast it is makes no difference here.
    init(
        of calls: [Call], by competitors: [Competitor], in directory: URL, server: URL, progress: (String) -> Void
    ) throws {
        let server = try Server(server, ["--tls"])
        defer { server.stop() }
        origin = Origin(swift: Machine.compiler, libcurl: "", processor: Machine.processorFamily)
        rows = []
        for competitor in competitors {
            let program = try Program(
                directory.appendingPathComponent(competitor.program), competitor.arguments(at: server))
            defer { program.stop() }
            let engine = try program.receive(Greeting.self, within: 60).engine
            if !competitor.isInMemory { origin.libcurl = engine.replacing("libcurl/", with: "") }
            // That server lists as many jobs whatever the limit.
            for call in calls where competitor.isInMemory || call != .list100 {
                progress("\(competitor.rawValue), \(call.title)")
                rows.append(try Self.row(call, competitor, program, server))
            }
        }
    }

    /// Counts what a controller requests in an hour of a clock that jumps, from a simulator in its own process.
    mutating func countHours(in directory: URL, progress: (String) -> Void) throws {
        var requests: [HourReport.Load: Int] = [:]
        // How many requests launch jobs depends on which of them end together.
        for load in HourReport.Load.allCases where load != .launched {
            progress("an hour of a controller, \(load.title)")
            let program = try Program(
                directory.appendingPathComponent("stacks-controller"),
                ["hour", "--load", load.rawValue, "--seconds", "\(Self.seconds(of: load))"])
            defer { program.stop() }
            requests[load] = try program.receive(HourReport.self, within: 600).requests
        }
        requestsPerHour = requests
    }

    /// How much of the hour is counted. The simulator takes its time for a long list.
    static func seconds(of load: HourReport.Load) -> Int { load == .unmatched ? 120 : load.seconds }

    private static func row(_ call: Call, _ competitor: Competitor, _ program: Program, _ server: Server) throws -> Row
    {
        let count = call.jobCount < 100 ? 200 : 20
        func carryOut(_ probe: Order.Probe) throws -> Report {
            // As many calls as there are to be: the time is no limit.
            var order = Order(call: call, concurrency: 1, calls: count, milliseconds: 3_600_000)
            order.probe = probe
            try program.send(order)
            let report = try program.receive(Report.self, within: 600)
            _ = try program.receive(count: report.calls, within: 60)
            guard report.errors == 0, report.calls == count else {
                let reason = report.firstError ?? "\(report.calls) calls of \(count) were made"
                throw Program.Failure(description: "\(competitor.rawValue), \(call.title): \(reason)")
            }
            return report
        }
        _ = try carryOut(.nothing)
        var least: [Measure: Double] = [:]
        for _ in 0..<rounds {
            let before = try server.counts().requests
            let counted = try carryOut(.counts)
            let requests = try server.counts().requests - before
            // Counting costs instructions, so they are counted without.
            let plain = try carryOut(.nothing)
            let sums = Self.sums(counted, requests: competitor.isInMemory ? nil : requests, plain.instructions)
            for (measure, sum) in sums {
                least[measure] = min(least[measure] ?? .infinity, (sum / Double(count)).rounded(toDigits: 3))
            }
        }
        return Row(call: call, competitor: competitor, figures: least)
    }

    private static func sums(_ report: Report, requests: Int?, _ instructions: Int?) -> [Measure: Double] {
        let calls = report.systemCalls
        let sums: [Measure: Int?] = [
            .allocations: report.allocations?.count, .allocatedBytes: report.allocations?.bytes, .requests: requests,
            .sends: calls?.sends, .receives: calls?.receives, .writes: calls?.writes, .reads: calls?.reads,
            .polls: calls?.polls, .socketOptions: calls?.socketOptions,
        ]
        var found = sums.compactMapValues { $0.map(Double.init) }
        found[.kiloinstructions] = instructions.map { Double($0) / 1000 }
        return found
    }
}
