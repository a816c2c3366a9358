import Contestant
import Workload

/// What the package sets out to reach, beside what a build showed in a run: only what the run has measured.
struct Goals {
    private(set) var goals: [Goal] = []
    /// The values behind each goal's row, by its title, by which two builds are compared.
    private var figures: [String: [Figure]] = [:]
    let measured: Measurements
    /// What the guest, and controllers without the executor, showed in the same run.
    let others: Measurements

    /// Those that stand on `StacksClient` over `CurlTransport`.
    private static let clients: [Competitor] = [.stacksCurl, .stacksCurlExecutor]

    /// Those of the current build, with the ratios to the baseline if it took part.
    static func goals(of results: Results) -> [Goal] {
        let current = Goals(results.current, others: results.current)
        let baseline = results.baseline.map { Goals($0.measurements.withoutErrors, others: results.current) }
        return current.goals.map { goal in
            var goal = goal
            if let figures = current.figures[goal.title], let baseline = baseline?.figures[goal.title] {
                goal.ratioToBaseline = figures.ratios(to: baseline)
            }
            return goal
        }
    }

    private init(_ measured: Measurements, others: Measurements) {
        self.measured = measured
        self.others = others
        addRatio(.stacksCurl, from: 32)
        addRatio(.stacksCurlExecutor, from: 1)
        for competitor in Self.clients { addGuest(competitor) }
        for competitor in Self.clients { addLatency(competitor) }
        for competitor in Self.clients { addListing(competitor) }
        for competitor in Self.clients { addGrowth(competitor) }
        for competitor in Self.clients { addCancellation(competitor) }
        addEndurance()
        addController()
        addDispatch()
        addHours()
        addEquipment()
    }

    mutating func add(
        _ title: String, _ goal: String, _ measured: String, _ isReached: Bool, comparedBy figures: [Figure]
    ) {
        goals.append(Goal(title: title, goal: goal, measured: measured, isReached: isReached))
        self.figures[title] = figures
    }

    /// The most that the CPU time of a small call may be, over that of the floor.
    static let ratioLimit = 1.15

    /// The ratio to the floor of a small call, at each concurrency; the worst of those `from` so many callers decides.
    private mutating func addRatio(_ competitor: Competitor, from least: Int) {
        let rows = smallCalls(competitor)
        let ratios = rows.compactMap { row in row.ratio.map { (row.concurrency, $0.median) } }
        guard let worst = ratios.filter({ $0.0 >= least }).map(\.1).max() else { return }
        var measured = Self.list(ratios)
        let instructions = rows.compactMap { row in row.instructionRatio.map { (row.concurrency, $0.median) } }
        if !instructions.isEmpty { measured += "; instructions \(Self.list(instructions))" }
        add(
            "\(competitor.rawValue): CPU of a call over the floor's, \(least) to 256 at a time", "≤ \(Self.ratioLimit)",
            measured, worst <= Self.ratioLimit,
            comparedBy: cpuFigures(rows)
                + rows.compactMap { row in
                    row.kiloinstructions.map { Figure("instructions", label: "at \(row.concurrency)", of: [$0.median]) }
                })
    }

    /// The ratio to a guest of a small call, at each concurrency. The worst decides.
    private mutating func addGuest(_ competitor: Competitor) {
        let rows = smallCalls(competitor)
        let ratios = rows.compactMap { row in row.guestRatio.map { (row.concurrency, $0.median) } }
        guard let worst = ratios.map(\.1).max() else { return }
        add(
            "\(competitor.rawValue): CPU of a call over the guest's, 1 to 256 at a time", "< 1", Self.list(ratios),
            worst < 1, comparedBy: cpuFigures(rows))
    }

    private func cpuFigures(_ rows: [Row]) -> [Figure] {
        rows.map { Figure(label: "at \($0.concurrency)", of: $0.cpuOfRounds) }
    }

    /// The latencies of a small call over those of a guest, at each concurrency. The worst decides.
    private mutating func addLatency(_ competitor: Competitor) {
        let rows = smallCalls(competitor)
        for (name, path) in [("p50", \Row.Latency.p50), ("p99", \.p99)] {
            let ratios = rows.compactMap { row in
                others.row(row.cell, .guest).map { guest in
                    let values = (row.latencyMicroseconds[keyPath: path], guest.latencyMicroseconds[keyPath: path])
                    return (row.concurrency, values.0 / values.1)
                }
            }
            guard let worst = ratios.map(\.1).max() else { continue }
            add(
                "\(competitor.rawValue): \(name) of a call over the guest's, 1 to 256 at a time", "≤ 1",
                Self.list(ratios), worst <= 1,
                comparedBy: rows.map {
                    Figure(label: "at \($0.concurrency)", of: [$0.latencyMicroseconds[keyPath: path]])
                })
        }
    }

    private func smallCalls(_ competitor: Competitor) -> [Row] {
        measured.rows.filter { $0.competitor == competitor && $0.call == .states1 && $0.concurrency <= 256 }
    }

    private static func list(_ ratios: [(concurrency: Int, ratio: Double)]) -> String {
        ratios.map { "\($0.ratio.formatted(digits: 2)) at \($0.concurrency)" }.joined(separator: ", ")
    }

    private mutating func addListing(_ competitor: Competitor) {
        let rows = measured.rows.filter { $0.competitor == competitor && $0.call == .list1000 }
        guard let row = rows.min(by: { $0.concurrency < $1.concurrency }) else { return }
        let milliseconds = row.cpuMicroseconds.median / 1000
        add(
            "\(competitor.rawValue): CPU of listing 1000 jobs", "≤ 1.2 ms", "\(milliseconds.formatted(digits: 2)) ms",
            milliseconds <= 1.2, comparedBy: [Figure(of: row.cpuOfRounds)])
    }

    private mutating func addGrowth(_ competitor: Competitor) {
        guard let few = measured.row(Cell(call: .states1, concurrency: 32), competitor),
            let many = measured.row(Cell(call: .states1, concurrency: 1024), competitor)
        else { return }
        let growth = many.cpuMicroseconds.median / few.cpuMicroseconds.median
        add(
            "\(competitor.rawValue): CPU of a call, 1024 in flight over 32", "≤ 1.2", growth.formatted(digits: 2),
            growth <= 1.2, comparedBy: cpuFigures([few, many]))
    }

    private mutating func addCancellation(_ competitor: Competitor) {
        let rows = measured.cancellations.filter { $0.competitor == competitor }
        guard let worst = rows.max(by: { $0.maximumMicroseconds < $1.maximumMicroseconds }) else { return }
        func milliseconds(_ path: KeyPath<Cancellation, Double>) -> String {
            ((rows.map { $0[keyPath: path] }.max() ?? 0) / 1000).formatted(digits: 2)
        }
        func figures(_ name: String, _ path: KeyPath<Cancellation, Double>) -> [Figure] {
            rows.map { Figure(name, label: "at \($0.concurrency)", of: [$0[keyPath: path]]) }
        }
        add(
            "\(competitor.rawValue): cancelling a call that hangs", "returns within 5 ms",
            "p50 \(milliseconds(\.p50Microseconds)), p99 \(milliseconds(\.p99Microseconds)), longest "
                + "\(milliseconds(\.maximumMicroseconds)) ms of \(rows.reduce(0) { $0 + $1.calls }) calls "
                + "(at \(worst.concurrency))",
            worst.maximumMicroseconds <= 5000 && rows.allSatisfy { $0.errors == 0 },
            comparedBy: figures("p50", \.p50Microseconds) + figures("p99", \.p99Microseconds)
                + figures("longest", \.maximumMicroseconds))
    }

    /// Flat is what does not grow any more: everything that is kept for reuse is there by the half of the calls.
    private mutating func addEndurance() {
        guard let endurance = measured.endurance, let half = endurance.half, let last = endurance.samples.last else {
            return
        }
        let highest = endurance.samples.map(\.residentMegabytes).max() ?? 0
        // A page here and there comes and goes.
        let isFlat = last.residentMegabytes <= half.residentMegabytes + 1
        add(
            "memory, 128 in flight", "≤ 30 MB resident, flat",
            "\(half.residentMegabytes.formatted(digits: 1)) MB after half of \(last.calls) calls, "
                + "\(last.residentMegabytes.formatted(digits: 1)) MB after all, at most "
                + "\(highest.formatted(digits: 1)) MB; \(last.anonymousMegabytes.formatted(digits: 1)) MB are no file's",
            highest <= 30 && isFlat, comparedBy: [Figure(of: [highest])])
    }

    /// Pacing, retries with their budget, log and metrics while there is nothing for them to do, against a client without
    /// them, as a share of what a call over the network costs. Instructions where they are counted; otherwise the CPU times of
    /// rounds that followed each other, because medians are further apart than so small a difference.
    private mutating func addEquipment() {
        let rows = measured.cells.filter { $0.call == .states1 && $0.concurrency <= 256 }.compactMap(equipmentRows)
        let counted = rows.compactMap { bare, full, call -> (cost: Double, call: Double, concurrency: Int)? in
            guard let bare = bare.kiloinstructions, let full = full.kiloinstructions,
                let whole = call.kiloinstructions
            else { return nil }
            return (full.median - bare.median, whole.median, call.concurrency)
        }
        let timed = rows.map { bare, full, call in
            let differences = zip(full.cpuOfRounds, bare.cpuOfRounds).map { $0 - $1 }
            return (
                cost: Spread(differences).median, call: call.cpuMicroseconds.median, concurrency: call.concurrency
            )
        }
        let (costs, unit) = counted.isEmpty ? (timed, "µs") : (counted, "k instructions")
        let name = counted.isEmpty ? "" : "instructions"
        guard let worst = costs.max(by: { $0.cost / $0.call < $1.cost / $1.call }) else { return }
        let share = worst.cost / worst.call
        add(
            "pacing, retry budget, log and metrics when idle", "≤ 2 % of a call",
            "\((share * 100).formatted(digits: 1)) %, \(worst.cost.formatted(digits: 2)) \(unit)", share <= 0.02,
            comparedBy: costs.map { Figure(name, label: "at \($0.concurrency)", of: [$0.cost]) })
    }

    /// The rows of a cell for the client without its equipment, with all of it, and for a call over the network.
    private func equipmentRows(_ cell: Cell) -> (bare: Row, full: Row, call: Row)? {
        guard let bare = measured.row(cell, .stacksMemoryBare), let full = measured.row(cell, .stacksMemoryFull),
            let call = measured.row(cell, .stacksCurl)
        else { return nil }
        return (bare, full, call)
    }
}

extension Measurements {
    /// Without the rows whose calls failed: what they cost says nothing.
    fileprivate var withoutErrors: Measurements {
        var measurements = self
        measurements.rows.removeAll { $0.errors > 0 }
        measurements.cancellations.removeAll { $0.errors > 0 }
        return measurements
    }
}
