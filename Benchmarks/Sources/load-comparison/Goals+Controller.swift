import Contestant

extension Goals {
    mutating func addController() {
        guard let report = measured.controller else { return }
        let seconds = Double(report.wallNanoseconds) / 1e9
        add(
            "controller, \(report.jobs) scheduled jobs, default rate limits",
            "all launched within 3 s, none twice, none lost",
            "\(report.launched) in \(seconds.formatted(digits: 2)) s, \(report.launchedTwice) twice, "
                + "\(report.lost) lost, \(report.refused) requests refused",
            seconds <= 3 && report.launched == report.jobs && report.launchedTwice == 0 && report.lost == 0,
            comparedBy: [Figure(of: [seconds])])
    }

    /// The worst of the rates decides.
    mutating func addDispatch() {
        for queues in Set(measured.dispatches.map(\.queues)).sorted() {
            let reports = measured.dispatches.filter { $0.queues == queues }
            let name = queues == 1 ? "one queue" : "\(queues) queues"
            func list(_ value: (DispatchReport) -> String) -> String {
                reports.map { "\(value($0)) at \($0.rate)" }.joined(separator: ", ")
            }
            func figures(_ name: String, _ value: (DispatchReport) -> Double) -> [Figure] {
                reports.map { Figure(name, label: "at \($0.rate)", of: [value($0)]) }
            }
            func milliseconds(_ nanoseconds: Int) -> String { (Double(nanoseconds) / 1e6).formatted(digits: 0) }
            add(
                "dispatch latency, \(name), 20 slots, jobs a second",
                "p50 ≤ 120 ms, p99 ≤ 300 ms, none twice, none lost",
                "p50 \(list { milliseconds($0.p50Nanoseconds) }); p99 \(list { milliseconds($0.p99Nanoseconds) })",
                reports.allSatisfy {
                    $0.p50Nanoseconds <= 120_000_000 && $0.p99Nanoseconds <= 300_000_000 && $0.lost == 0
                        && $0.launchedTwice == 0
                },
                comparedBy: figures("p50") { Double($0.p50Nanoseconds) } + figures("p99") { Double($0.p99Nanoseconds) })
            add(
                "polls of a stack, \(name), jobs a second", "at most half of the limit of 10 a second, none refused",
                "\(list { "\($0.pollsPerSecond.short)" }); in the busiest second "
                    + list { "\($0.busiestSecond)" },
                reports.allSatisfy { $0.busiestSecond <= 5 && $0.refused == 0 },
                comparedBy: figures("") { $0.pollsPerSecond } + figures("busiest") { Double($0.busiestSecond) })
        }
    }

    mutating func addHours() {
        guard let idle = measured.hour(.idle, usesExecutor: true) else { return }
        add(
            "polls of an idle controller", "at most 1 a second", "\((Double(idle.polls) / 3600).formatted(digits: 2))",
            // The intervals differ by a tenth.
            idle.polls <= 3600 * 102 / 100, comparedBy: [Figure(of: [Double(idle.polls)])])
        addHourRatio("calls on the transport's executor over without", others.hours.filter { !$0.usesExecutor })
        addHourRatio("over a naive poller's on the guest", others.guestHours)
    }

    /// The median of the ratios of hours of the same turn.
    private mutating func addHourRatio(_ title: String, _ others: [HourReport]) {
        let own = measured.hours.filter(\.usesExecutor)
        let ratios = HourReport.Load.allCases.compactMap { load -> (HourReport.Load, Double)? in
            let pairs = zip(own.filter { $0.load == load }, others.filter { $0.load == load })
            let ratios = pairs.map { $0.cost / $1.cost }
            return ratios.isEmpty ? nil : (load, Spread(ratios).median)
        }
        guard !ratios.isEmpty else { return }
        add(
            "CPU of a controller's hour, or of a job where 20 slots are always busy, \(title)", "< 1",
            ratios.map { "\($0.1.formatted(digits: 2)) \($0.0.title)" }.joined(separator: ", "),
            ratios.allSatisfy { $0.1 < 1 },
            comparedBy: HourReport.Load.allCases.compactMap { load in
                let costs = own.filter { $0.load == load }.map(\.cost)
                return costs.isEmpty ? nil : Figure(label: load.title, of: costs)
            })
    }
}

extension HourReport {
    /// What is compared: CPU time, and where jobs are launched all the time, that of each of them.
    fileprivate var cost: Double { Double(cpuNanoseconds) / Double(load == .launched ? max(launched, 1) : 1) }
}
