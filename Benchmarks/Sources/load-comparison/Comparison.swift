import Foundation
import Workload

/// Runs the cells one after the other: in each, everyone is started anew, warms up, and then takes turns.
struct Comparison {
    var directory: URL
    var competitors: [Competitor]
    var rounds: Int
    var roundMilliseconds: Int
    var progress: (String) -> Void

    /// What everyone showed in `cell`, added to `results`.
    func run(_ cell: Cell, into results: inout Results) throws {
        let server = try Server(in: directory)
        defer { server.stop() }
        var entrants: [Entrant] = []
        defer { for entrant in entrants { entrant.stop() } }
        for competitor in competitors {
            attempt(competitor, in: cell, &results.absent) {
                let entrant = try Entrant(competitor, cell: cell, server: server, directory: directory)
                try entrant.warmUp(milliseconds: roundMilliseconds)
                entrants.append(entrant)
            }
        }
        for entrant in entrants { results.engines[entrant.competitor.rawValue] = entrant.engine }
        for round in 1...rounds {
            progress("\(cell.call.rawValue) at \(cell.concurrency), round \(round) of \(rounds)")
            // Once there is one, whoever fails is left out of the rest: the ratios need the same rounds of everyone.
            for entrant in entrants {
                attempt(entrant.competitor, in: cell, &results.absent) {
                    try entrant.run(milliseconds: roundMilliseconds)
                }
            }
            entrants.removeAll { $0.cpu.count < round }
        }
        let floor = entrants.first { $0.competitor == .floor }?.cpu
        results.rows += entrants.map { $0.row(floor: floor) }
    }

    /// Memory over `calls` calls of a client with 128 in flight.
    func endure(calls: Int) throws -> Endurance {
        let server = try Server(in: directory)
        defer { server.stop() }
        progress("\(calls) calls, 128 in flight")
        let cell = Cell(call: .states1, concurrency: 128)
        let entrant = try Entrant(.stacksCurl, cell: cell, server: server, directory: directory)
        defer { entrant.stop() }
        return try entrant.endure(calls: calls)
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
