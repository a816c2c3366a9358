import Contestant
import Testing
import Workload

@testable import load_comparison

@Suite("Goals")
struct GoalsTests {
    @Test("over the floor are decided by the worst number of callers that counts")
    func floor() throws {
        var measurements = Measurements()
        for (concurrency, ratio) in [(1, 1.66), (8, 1.5), (32, 1.15), (1024, 3)] {
            measurements.rows.append(.sample(.stacksCurl, concurrency, ratio: ratio))
            measurements.rows.append(.sample(.stacksCurlExecutor, concurrency, ratio: ratio))
        }
        let goals = Goals.goals(of: .sample(measurements))
        let own = try #require(goals.first { $0.title.contains("floor's, 32 to 256") })
        #expect(own.isReached)
        #expect(own.measured == "1.66 at 1, 1.50 at 8, 1.15 at 32")
        #expect(try !#require(goals.first { $0.title.contains("floor's, 1 to 256") }).isReached)
    }

    @Test(
        "of latency are decided by the worst number of callers",
        arguments: [(0.9, true), (1.0, true), (1.06, false)])
    func latency(ratio: Double, isReached: Bool) throws {
        var measurements = Measurements()
        for concurrency in [1, 8] {
            let p50 = concurrency == 8 ? 100 * ratio : 50
            measurements.rows.append(.sample(.stacksCurl, concurrency, p50: p50))
            measurements.rows.append(.sample(.guest, concurrency, p50: 100))
        }
        let goal = try #require(Goals.goals(of: .sample(measurements)).first { $0.title.contains("p50") })
        #expect(goal.isReached == isReached)
    }

    @Test("of polls are missed by one second with six of them, at any rate", arguments: [5, 6])
    func polls(busiest: Int) throws {
        var measurements = Measurements()
        for rate in [1, 10, 50] {
            var report = DispatchReport(rate: rate, queues: 1, slots: 20, seconds: 25)
            report.polls = 120
            report.busiestSecond = rate == 10 ? busiest : 5
            measurements.dispatches.append(report)
        }
        let goal = try #require(Goals.goals(of: .sample(measurements)).first { $0.title.hasPrefix("polls of a stack") })
        #expect(goal.isReached == (busiest == 5))
    }

    @Test("have the ratios to the baseline, if it took part")
    func baseline() throws {
        var (current, baseline) = (Measurements(), Measurements())
        // The rounds' ratios are 1, 0.5 and 3; that of the medians is 2/3.
        current.rows.append(.sample(.stacksCurl, 32, ratio: 1.2, cpu: [10, 20, 90], p50: 50))
        baseline.rows.append(.sample(.stacksCurl, 32, ratio: 1.2, cpu: [10, 40, 30]))
        current.rows.append(.sample(.guest, 32, p50: 90))
        current.controller = .sample(seconds: 1.5)
        baseline.controller = .sample(seconds: 3)
        var results = Results.sample(current)
        #expect(Goals.goals(of: results).allSatisfy { $0.ratioToBaseline == nil })
        results.baseline = Baseline(name: "abc", measurements: baseline)
        let goals = Goals.goals(of: results)
        #expect(goals.map(\.ratioToBaseline) == ["1.00 at 32", "0.50 at 32", "1.00 at 32", "0.50"])
        #expect(goals.markdown(over: "abc").hasPrefix("| goal | is | measured | over abc | reached |\n"))
    }

    @Test("have no ratio to a row whose calls failed")
    func errors() throws {
        var (current, baseline) = (Measurements(), Measurements())
        current.rows.append(.sample(.stacksCurl, 32, ratio: 1.2))
        baseline.rows.append(.sample(.stacksCurl, 32, ratio: 0.1, errors: 1))
        var results = Results.sample(current)
        results.baseline = Baseline(name: "abc", measurements: baseline)
        #expect(try #require(Goals.goals(of: results).first).ratioToBaseline == nil)
    }

    @Test("compare the hours of the same turn, and idle features at each number of callers")
    func hoursAndIdleFeatures() throws {
        var (current, baseline) = (Measurements(), Measurements())
        for (mine, other) in [(10, 10), (20, 40), (90, 30)] {
            current.hours += [.idle(mine, usesExecutor: true), .idle(50, usesExecutor: false)]
            baseline.hours.append(.idle(other, usesExecutor: true))
        }
        for (concurrency, mine, other) in [(1, 2.0, 4.0), (32, 3, 2)] {
            current.addIdleFeatures(concurrency, cost: mine)
            baseline.addIdleFeatures(concurrency, cost: other)
        }
        var results = Results.sample(current)
        results.baseline = Baseline(name: "abc", measurements: baseline)
        let goals = Goals.goals(of: results)
        let hours = try #require(goals.first { $0.title.contains("over without") })
        #expect(hours.ratioToBaseline == "1.00 idle")
        let idle = try #require(goals.first { $0.title.contains("when idle") })
        #expect(idle.measured == "3.0 %, 3.00 µs")
        #expect(idle.ratioToBaseline == "0.50 at 1, 1.50 at 32")
    }

    @Test("that nothing was measured for are not there")
    func nothing() { #expect(Goals.goals(of: .sample(Measurements())).isEmpty) }
}

extension Results {
    /// What a run on some machine showed.
    static func sample(_ measurements: Measurements) -> Results {
        let machine = Machine(cores: 2, processor: "P", system: "S", swift: "6.3", loadBefore: 0)
        var results = Results(machine: machine, rounds: 3, roundMilliseconds: 100)
        results.current = measurements
        return results
    }
}

extension Row {
    /// What somebody showed in small calls.
    static func sample(
        _ competitor: Competitor, _ concurrency: Int, ratio: Double? = nil, cpu: [Double] = [50], p50: Double = 100,
        errors: Int = 0
    ) -> Row {
        Row(
            call: .states1, concurrency: concurrency, competitor: competitor, cpuMicroseconds: Spread(cpu),
            ratio: ratio.map { Spread([$0]) }, cpuOfRounds: cpu, callsPerSecond: Spread([1]),
            latencyMicroseconds: .init(p50: p50, p99: 200, p999: 300), peakMemoryMegabytes: 1, calls: 1, errors: errors,
            serverCPUMicroseconds: 1)
    }
}

extension Measurements {
    /// Small calls whose optional parts take so many microseconds.
    fileprivate mutating func addIdleFeatures(_ concurrency: Int, cost: Double) {
        rows += [
            .sample(.stacksMemoryBare, concurrency, cpu: [10]),
            .sample(.stacksMemoryFull, concurrency, cpu: [10 + cost]),
            .sample(.stacksCurl, concurrency, cpu: [100]),
        ]
    }
}

extension HourReport {
    /// One of a controller with nothing to do.
    fileprivate static func idle(_ cpuNanoseconds: Int, usesExecutor: Bool) -> HourReport {
        var report = HourReport(load: .idle, usesExecutor: usesExecutor, seconds: 3600)
        report.cpuNanoseconds = cpuNanoseconds
        return report
    }
}

extension ControllerReport {
    /// Ten jobs that were all launched.
    static func sample(seconds: Double) -> ControllerReport {
        ControllerReport(
            jobs: 10, launched: 10, launchedTwice: 0, lost: 0, refused: 0, wallNanoseconds: Int(seconds * 1e9),
            cpuNanoseconds: 1, peakMemoryBytes: 1)
    }
}
