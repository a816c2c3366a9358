import Contestant
import Foundation
import Workload

/// Runs the cells one after the other: in each, everyone is started anew, warms up, and then takes turns.
struct Comparison {
    /// The programs of this build, and of everyone who is no build of this package.
    var directory: URL
    /// The programs of the baseline, if it takes part.
    var baselineDirectory: URL?
    var guest: URL?
    var competitors: [Competitor]
    var rounds: Int
    var roundMilliseconds: Int
    var progress: (String) -> Void
    /// What counts instructions where the processor does not, if they are to be counted there.
    var valgrind: Valgrind?

    /// What everyone showed in `cell`, added to `results`.
    func run(_ cell: Cell, into results: inout Results) throws {
        let server = try Server(ownServer)
        defer { server.stop() }
        var entrants: [Entrant] = []
        defer { for entrant in entrants { entrant.stop() } }
        for competitor in competitors where competitor.takesPart(in: cell) {
            for build in builds(of: competitor) {
                attempt(competitor, build, in: cell, &results) {
                    let entrant = try Entrant(
                        competitor, build, cell: cell, server: server,
                        executable: executable(of: competitor, build))
                    try entrant.warmUp(milliseconds: roundMilliseconds)
                    entrants.append(entrant)
                }
            }
        }
        for entrant in entrants where entrant.build == .current {
            results.engines[entrant.competitor.rawValue] = entrant.engine
        }
        for round in 1...rounds {
            progress("\(cell.call.rawValue) at \(cell.concurrency), round \(round) of \(rounds)")
            // Once there is one, whoever fails is left out of the rest: the ratios need the same rounds of everyone.
            // Every other round in reverse, so that a machine that becomes slower does not always harm the same ones.
            for entrant in round.isMultiple(of: 2) ? entrants.reversed() : entrants {
                attempt(entrant.competitor, entrant.build, in: cell, &results) {
                    try entrant.run(milliseconds: roundMilliseconds)
                }
            }
            entrants.removeAll { $0.cpu.count < round }
        }
        // After the rounds, because it slows the calls down.
        for entrant in entrants {
            attempt(entrant.competitor, entrant.build, in: cell, &results) {
                try entrant.countAllocations(milliseconds: roundMilliseconds)
            }
        }
        func entrant(_ competitor: Competitor) -> Entrant? { entrants.first { $0.competitor == competitor } }
        let (floor, guest) = (entrant(.floor), entrant(.guest))
        for entrant in entrants { results[entrant.build].rows.append(entrant.row(floor: floor, guest: guest)) }
        if entrants.contains(where: { !$0.kiloinstructions.isEmpty }) {
            results.machine.instructionCounting = .counters
        } else {
            countInstructions(in: cell, at: server, into: &results)
        }
    }

    /// Memory over `calls` calls of a client with 128 in flight.
    func endure(calls: Int, into results: inout Results) throws {
        let cell = Cell(call: .states1, concurrency: 128)
        try forEachBuild("\(calls) calls, 128 in flight", &results) { build, measurements in
            measurements.endurance = try alone(.stacksCurl, build, cell) { try $0.endure(calls: calls) }
        }
    }

    /// Some thousand calls without a response, cancelled.
    func cancel(into results: inout Results) throws {
        for competitor in [Competitor.stacksCurl, .stacksCurlExecutor] {
            for (concurrency, calls) in [(1, 500), (32, 3200), (128, 6400)] {
                let what = "\(calls) cancelled calls of \(competitor.rawValue), \(concurrency) in flight"
                try forEachBuild(what, &results) { build, measurements in
                    let cell = Cell(call: .states1, concurrency: concurrency)
                    let cancellation = try alone(competitor, build, cell) { entrant in
                        try entrant.warmUp(milliseconds: roundMilliseconds)
                        return try entrant.cancel(calls: calls)
                    }
                    measurements.cancellations.append(cancellation)
                }
            }
        }
    }

    /// Where a competitor allocates.
    func allocationListing(_ competitor: Competitor, _ cell: Cell) throws -> AllocationListing {
        progress("where \(competitor.rawValue) allocates")
        return try alone(competitor, .current, cell) { entrant in
            try entrant.warmUp(milliseconds: roundMilliseconds)
            try entrant.countAllocations(milliseconds: 10 * roundMilliseconds, sites: true)
            let (sites, calls) = entrant.allocationSites
            return AllocationListing(competitor, cell, sites, calls: calls)
        }
    }

    /// Where the time of a competitor goes, as text.
    func profile(_ competitor: Competitor, _ cell: Cell) throws -> String {
        let profile = try Profile()
        progress("where the time of \(competitor.rawValue) goes")
        return try alone(competitor, .current, cell) { entrant in
            try entrant.warmUp(milliseconds: 200)
            try entrant.run(seconds: 5, under: profile)
            return "\n\(competitor.rawValue), \(cell.call.title), \(cell.concurrency) at a time\n"
                + (try profile.text())
        }
    }

    /// Something that one competitor does while no other runs.
    private func alone<Value>(
        _ competitor: Competitor, _ build: Build, _ cell: Cell, _ body: (Entrant) throws -> Value
    ) throws -> Value {
        let server = try Server(ownServer)
        defer { server.stop() }
        let entrant = try Entrant(
            competitor, build, cell: cell, server: server, executable: executable(of: competitor, build))
        defer { entrant.stop() }
        return try body(entrant)
    }

    var ownServer: URL { directory.appendingPathComponent("benchmark-server") }

    func executable(of competitor: Competitor, _ build: Build) throws -> URL {
        if competitor == .guest, let guest { return guest }
        return try executable(competitor.program, build)
    }

    /// A program of a build of this package.
    func executable(_ program: String, _ build: Build) throws -> URL {
        guard let directory = build == .current ? directory : baselineDirectory else {
            throw Program.Failure(description: "no baseline takes part")
        }
        return directory.appendingPathComponent(program)
    }

    /// The builds of this package that take part.
    var builds: [Build] { baselineDirectory == nil ? [.current] : [.current, .baseline] }

    private func builds(of competitor: Competitor) -> [Build] {
        Competitor.ofBaseline.contains(competitor) ? builds : [.current]
    }

    /// Lets the builds do something, one after the other.
    func forEachBuild(
        _ part: String, _ results: inout Results, _ body: (Build, inout Measurements) throws -> Void
    ) throws {
        for build in builds { try measure(build, part, &results) { try body(build, &$0) } }
    }

    /// Lets a build do something. When the baseline cannot, the run goes on without that.
    func measure(
        _ build: Build, _ part: String, _ results: inout Results, _ body: (inout Measurements) throws -> Void
    ) throws {
        progress(part + results.suffix(of: build))
        do {
            try body(&results[build])
        } catch let error where build == .baseline {
            let name = results.baseline?.name ?? ""
            results.absent.append(Absence(name: name, part: part, reason: "\(error)", build: .baseline))
        }
    }

    private func attempt(
        _ competitor: Competitor, _ build: Build, in cell: Cell, _ results: inout Results, _ body: () throws -> Void
    ) {
        do {
            try body()
        } catch {
            results.absent.append(
                Absence(
                    name: competitor.rawValue + results.suffix(of: build),
                    part: "\(cell.call.rawValue) at \(cell.concurrency)", reason: "\(error)",
                    build: build == .baseline || Competitor.own.contains(competitor) ? build : nil))
        }
    }
}
