import Contestant
import Foundation
import Workload

/// Runs the cells one after the other: in each, everyone is started anew, warms up, and then takes turns.
struct Comparison {
    var directory: URL
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
            attempt(competitor, in: cell, &results.absent) {
                let entrant = try Entrant(
                    competitor, cell: cell, server: server, executable: executable(of: competitor))
                try entrant.warmUp(milliseconds: roundMilliseconds)
                entrants.append(entrant)
            }
        }
        for entrant in entrants { results.engines[entrant.competitor.rawValue] = entrant.engine }
        for round in 1...rounds {
            progress("\(cell.call.rawValue) at \(cell.concurrency), round \(round) of \(rounds)")
            // Once there is one, whoever fails is left out of the rest: the ratios need the same rounds of everyone.
            // Every other round in reverse, so that a machine that becomes slower does not always harm the same ones.
            for entrant in round.isMultiple(of: 2) ? entrants.reversed() : entrants {
                attempt(entrant.competitor, in: cell, &results.absent) {
                    try entrant.run(milliseconds: roundMilliseconds)
                }
            }
            entrants.removeAll { $0.cpu.count < round }
        }
        // After the rounds, because it slows the calls down.
        for entrant in entrants {
            attempt(entrant.competitor, in: cell, &results.absent) {
                try entrant.countAllocations(milliseconds: roundMilliseconds)
            }
        }
        func entrant(_ competitor: Competitor) -> Entrant? { entrants.first { $0.competitor == competitor } }
        let (floor, guest) = (entrant(.floor), entrant(.guest))
        let rows = entrants.map { $0.row(floor: floor, guest: guest) }
        results.rows += rows
        if rows.contains(where: { $0.kiloinstructions != nil }) {
            results.machine.instructionCounting = .counters
        } else {
            countInstructions(in: cell, at: server, into: &results)
        }
    }

    /// Memory over `calls` calls of a client with 128 in flight.
    func endure(calls: Int) throws -> Endurance {
        progress("\(calls) calls, 128 in flight")
        return try alone(.stacksCurl, Cell(call: .states1, concurrency: 128)) { try $0.endure(calls: calls) }
    }

    /// Some thousand calls without a response, cancelled.
    func cancel() throws -> [Cancellation] {
        try [Competitor.stacksCurl, .stacksCurlExecutor].flatMap { competitor in
            try [(1, 500), (32, 3200), (128, 6400)].map { concurrency, calls in
                progress("\(calls) cancelled calls, \(concurrency) in flight")
                return try alone(competitor, Cell(call: .states1, concurrency: concurrency)) { entrant in
                    try entrant.warmUp(milliseconds: roundMilliseconds)
                    return try entrant.cancel(calls: calls)
                }
            }
        }
    }

    /// Where a competitor allocates.
    func allocationListing(_ competitor: Competitor, _ cell: Cell) throws -> AllocationListing {
        progress("where \(competitor.rawValue) allocates")
        return try alone(competitor, cell) { entrant in
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
        return try alone(competitor, cell) { entrant in
            try entrant.warmUp(milliseconds: 200)
            try entrant.run(seconds: 5, under: profile)
            return "\n\(competitor.rawValue), \(cell.call.title), \(cell.concurrency) at a time\n"
                + (try profile.text())
        }
    }

    /// Something that one competitor does while no other runs.
    private func alone<Value>(_ competitor: Competitor, _ cell: Cell, _ body: (Entrant) throws -> Value) throws -> Value
    {
        let server = try Server(ownServer)
        defer { server.stop() }
        let entrant = try Entrant(competitor, cell: cell, server: server, executable: executable(of: competitor))
        defer { entrant.stop() }
        return try body(entrant)
    }

    var ownServer: URL { directory.appendingPathComponent("benchmark-server") }

    func executable(of competitor: Competitor) -> URL {
        if competitor == .guest, let guest { return guest }
        return directory.appendingPathComponent(competitor.program)
    }

    private func attempt(_ competitor: Competitor, in cell: Cell, _ absent: inout [Absence], _ body: () throws -> Void)
    {
        do {
            try body()
        } catch {
            absent.append(Absence(competitor: competitor, cell: cell, reason: "\(error)"))
        }
    }
}
