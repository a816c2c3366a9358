import Contestant
import Foundation
import Testing
import Workload

@testable import load_comparison

@Suite("The committed costs")
struct CommittedCostsTests {
    private let committed: CommittedCosts

    init() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        committed = try CommittedCosts(contentsOf: folder.appendingPathComponent("Thresholds.json"))
    }

    @Test("are there for all that the quick run counts: what is missing would not be judged")
    func complete() throws {
        for competitor in CountedCosts.competitors {
            for call in Call.allCases where competitor.isInMemory || call != .list100 {
                let row = try #require(committed.costs.row(call, competitor), "\(call), \(competitor)")
                let measures = CountedCosts.Measure.allCases.filter { measure in
                    measure != .kiloinstructions && !(measure == .requests && competitor.isInMemory)
                }
                #expect(Set(row.figures.keys).isSuperset(of: measures), "\(call), \(competitor)")
            }
        }
        let hours = try #require(committed.costs.requestsPerHour)
        #expect(Set(hours.keys) == Set(HourReport.Load.allCases).subtracting([.launched]))
    }

    @Test("let nothing through that is worse", arguments: [HourReport.Load.idle, .running, .unmatched])
    func hours(load: HourReport.Load) throws {
        let requests = try #require(committed.costs.requestsPerHour?[load])
        var costs = committed.costs
        #expect(!committed.verdicts(on: costs).contains { $0.isWorse })
        costs.requestsPerHour?[load] = requests * 105 / 100
        let worse = committed.verdicts(on: costs).filter(\.isWorse).map(\.subject)
        #expect(worse == ["an hour of a controller, \(load.title)"])
    }

    @Test("of a call are passed by one more request and by one more allocation in forty")
    func call() throws {
        for (measure, more) in [(CountedCosts.Measure.requests, 1.0), (.allocations, 2.5)] {
            var costs = committed.costs
            let index = try #require(costs.rows.firstIndex { $0.call == .states1 && $0.competitor == .stacksCurl })
            costs.rows[index].figures[measure]? += more
            #expect(committed.verdicts(on: costs).filter(\.isWorse).map(\.measure) == [measure.rawValue])
        }
    }
}
