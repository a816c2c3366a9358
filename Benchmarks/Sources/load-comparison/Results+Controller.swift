import Contestant

extension Measurements {
    /// What a controller with one load costs in an hour: the run whose CPU time is the middle one of its kind.
    func hour(_ load: HourReport.Load, usesExecutor: Bool) -> HourReport? {
        Self.middle(hours.filter { $0.load == load && $0.usesExecutor == usesExecutor })
    }

    /// The same of the guest's.
    func guestHour(_ load: HourReport.Load) -> HourReport? {
        Self.middle(guestHours.filter { $0.load == load })
    }

    private static func middle(_ runs: [HourReport]) -> HourReport? {
        runs.isEmpty ? nil : runs.sorted { $0.cpuNanoseconds < $1.cpuNanoseconds }[runs.count / 2]
    }
}

extension Results {
    /// What the controller's runs showed, as tables.
    var controllerText: String {
        var text = ""
        if !current.dispatches.isEmpty {
            var table = TextTable([
                "scheduled to launched, 20 slots", "jobs", "p50 ms", "p99 ms", "longest ms", "requests/h",
                "polls/s of a stack", "in its busiest second", "refused", "twice", "lost",
            ])
            for (suffix, measurements) in suffixed {
                for report in measurements.dispatches {
                    table.add([
                        report.title + suffix, "\(report.arrived)", milliseconds(report.p50Nanoseconds),
                        milliseconds(report.p99Nanoseconds), milliseconds(report.maximumNanoseconds),
                        "\(report.requestsPerHour)", report.pollsPerSecond.short, "\(report.busiestSecond)",
                        "\(report.refused)", "\(report.launchedTwice)", "\(report.lost)",
                    ])
                }
            }
            text += "\n" + table.text
        }
        if !current.hours.isEmpty {
            var table = TextTable([
                "an hour of a controller", "CPU s", "requests", "polls", "launched", "MB sent", "MB received",
                "MB resident",
            ])
            for load in HourReport.Load.allCases {
                let runs =
                    suffixed.map { ($0, $1.hour(load, usesExecutor: true)) } + [
                        (", without executor", current.hour(load, usesExecutor: false)),
                        (", the guest", current.guestHour(load)),
                    ]
                for case (let who, let report?) in runs {
                    table.add([
                        load.title + who, seconds(report.cpuNanoseconds), "\(report.requests)", "\(report.polls)",
                        "\(report.launched)", (Double(report.bytesSent) / 1e6).short,
                        (Double(report.bytesReceived) / 1e6).short, (Double(report.peakMemoryBytes) / 1_048_576).short,
                    ])
                }
            }
            text += "\n" + table.text
        }
        return text
    }

    private func milliseconds(_ nanoseconds: Int) -> String { (Double(nanoseconds) / 1e6).formatted(digits: 1) }

    private func seconds(_ nanoseconds: Int) -> String { (Double(nanoseconds) / 1e9).formatted(digits: 2) }
}

extension DispatchReport {
    var title: String { "\(rate) a second, \(queues == 1 ? "1 queue" : "\(queues) queues")" }
}
