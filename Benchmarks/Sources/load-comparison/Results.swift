import Contestant
import Workload

/// A call at a concurrency: what one row of every competitor is about.
struct Cell: Codable, Hashable, Sendable {
    var call: Call
    var concurrency: Int
}

/// What one competitor showed in one cell.
struct Row: Codable, Sendable {
    struct Latency: Codable, Sendable {
        var p50: Double
        var p99: Double
        var p999: Double
    }

    var call: Call
    var concurrency: Int
    var competitor: Competitor
    /// CPU time of the client's process for one call, user and system.
    var cpuMicroseconds: Spread
    /// CPU time over that of the floor in the same round.
    var ratio: Spread?
    /// CPU time over that of the guest in the same round.
    var guestRatio: Spread?
    /// Thousands of instructions of the client's process for one call, where they are counted: in each round, or once for
    /// all by Valgrind.
    var kiloinstructions: Spread?
    /// Instructions over those of the floor, in the same round if they are counted in rounds.
    var instructionRatio: Spread?
    /// The CPU times of the rounds, in microseconds.
    var cpuOfRounds: [Double]
    /// Allocations of one call, and the kilobytes they asked for, where they can be counted.
    var allocations: Double?
    var allocatedKilobytes: Double?
    var callsPerSecond: Spread
    /// From the call to the complete response, over all rounds, including the wait for a stream.
    var latencyMicroseconds: Latency
    var peakMemoryMegabytes: Double
    /// Connections that it opened for this cell, warm-up included; `nil` without a network.
    var connections: Int?
    var calls: Int
    var errors: Int
    var firstError: String?
    /// CPU time of the server for one call.
    var serverCPUMicroseconds: Double

    var cell: Cell { Cell(call: call, concurrency: concurrency) }
}

/// Everything that a run found out.
struct Results: Codable, Sendable {
    var machine: Machine
    var server = "benchmark-server: TLS 1.3 and HTTP/2 on one thread, responses from memory"
    var engines: [String: String] = [:]
    var rounds: Int
    var roundMilliseconds: Int
    /// What this build showed, and with it everyone who is no build of this package.
    var current = Measurements()
    /// What another build of this package showed in the same run, if one took part.
    var baseline: Baseline?
    /// Where the clients allocate during a small call.
    var allocationListings: [AllocationListing] = []
    /// What was to be reached, and whether it was: worked out of the rest.
    var goals: [Goal] = []
    /// Who could not take part, and in what.
    var absent: [Absence] = []

    /// What a build showed: of the baseline nothing, unless it takes part.
    subscript(build: Build) -> Measurements {
        get { build == .current ? current : baseline?.measurements ?? Measurements() }
        set {
            switch build {
            case .current: current = newValue
            case .baseline: baseline?.measurements = newValue
            }
        }
    }

    /// What follows the name of a contestant of a build in tables.
    func suffix(of build: Build) -> String { build == .current ? "" : ", \(baseline?.name ?? "baseline")" }

    /// The cells, in the order in which they were run.
    var cells: [Cell] { current.cells }
}

/// A build of this package that takes part in a run.
enum Build: String, Codable, Sendable {
    case current
    /// The one that the current build is compared to, commonly that of an earlier revision.
    case baseline
}

/// The build that the current one is compared to, and what it showed.
struct Baseline: Codable, Sendable {
    /// What it is called in tables, such as its revision.
    var name: String
    var measurements = Measurements()
}

/// What one build of this package showed in a run.
struct Measurements: Codable, Sendable {
    var rows: [Row] = []
    var cancellations: [Cancellation] = []
    var controller: ControllerReport?
    var dispatches: [DispatchReport] = []
    var hours: [HourReport] = []
    /// The hours of the guest's controller.
    var guestHours: [HourReport] = []
    var endurance: Endurance?
    /// Why instructions that Valgrind was to count are missing.
    var countingFailure: String?

    func row(_ cell: Cell, _ competitor: Competitor) -> Row? {
        rows.first { $0.cell == cell && $0.competitor == competitor }
    }

    /// The cells, in the order in which they were run.
    var cells: [Cell] {
        var seen: Set<Cell> = []
        return rows.map(\.cell).filter { seen.insert($0).inserted }
    }
}

/// Somebody who could not take part in something, or not to its end.
struct Absence: Codable, Sendable {
    /// As in tables.
    var name: String
    /// What it could not take part in, such as a cell.
    var part: String
    var reason: String
    /// Whose own contestant it is; `nil` for a peer.
    var build: Build?

    var text: String { "\(name) is not in \(part): \(reason)" }
}

extension Results {
    /// Whether this build's own contestants took part everywhere and made no error. A peer that gives up says something
    /// about that peer, and URLSession cannot be made to trust the server everywhere.
    var isSound: Bool {
        !absent.contains { $0.build == .current }
            && !current.rows.contains { $0.errors > 0 && Competitor.own.contains($0.competitor) }
    }
}

/// Memory over many calls, 128 in flight.
struct Endurance: Codable, Sendable {
    struct Sample: Codable, Sendable {
        /// How many calls were made by then.
        var calls: Int
        var residentMegabytes: Double
        /// As much of that as is no file's: the heap and the stacks.
        var anonymousMegabytes: Double
        /// The high-water mark.
        var peakMegabytes: Double
    }

    var competitor: Competitor
    var samples: [Sample]

    var calls: Int { samples.last?.calls ?? 0 }
    /// After half of the calls.
    var half: Sample? { samples.last { $0.calls * 2 <= calls } }
}

/// Calls without a response, and how long it takes to cancel them.
struct Cancellation: Codable, Sendable {
    var competitor: Competitor
    var concurrency: Int
    var calls: Int
    /// Calls whose request had reached the server when they were cancelled.
    var reachedServer: Int
    /// Calls that did not end with a `CancellationError`.
    var errors: Int
    /// From the cancelling until the call has returned.
    var p50Microseconds: Double
    var p99Microseconds: Double
    var maximumMicroseconds: Double
    var cpuMicroseconds: Double
    /// Connections that were open at the end: more than one would have been given up for a cancelled call.
    var connections: Int
}
