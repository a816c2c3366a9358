import Contestant
import Foundation
import Workload

extension Comparison {
    /// Ten thousand jobs for a controller.
    func control(into results: inout Results) throws {
        try forEachBuild("a controller with 10000 jobs", &results) { build, measurements in
            measurements.controller = try controller(build, ["launch", "--jobs", "10000"], within: 120)
        }
    }

    /// Jobs that arrive while controllers run: for `seconds`, by default for 25 or until 100 have arrived, so that their median
    /// says something.
    func dispatch(seconds: Int?, into results: inout Results) throws {
        for queues in [1, 5] {
            for rate in [1, 10, 50] {
                let seconds = seconds ?? max(25, 100 / rate)
                let what = "\(rate) jobs a second in \(queues) queues for \(seconds) s"
                try forEachBuild(what, &results) { build, measurements in
                    let report: DispatchReport = try controller(
                        build, ["dispatch", "--rate", "\(rate)", "--queues", "\(queues)", "--seconds", "\(seconds)"],
                        within: seconds + 90)
                    measurements.dispatches.append(report)
                }
            }
        }
    }

    /// An hour of a controller over the network, with its calls on the transport's executor and without, of the baseline's
    /// controller, and of the guest's.
    func hours(into results: inout Results) throws {
        let own = try executable("stacks-controller", .current)
        for load in HourReport.Load.allCases {
            // In turns, because the machine's speed varies. The run with the executor comes between the two that goals
            // compare it with.
            for turn in 0..<5 {
                let kinds = HourKind.allCases
                for kind in turn.isMultiple(of: 2) ? kinds : kinds.reversed() {
                    let what = "an hour of \(kind.rawValue), \(load.title)"
                    switch kind {
                    case .baseline:
                        guard builds.contains(.baseline) else { continue }
                        try measure(.baseline, what, &results) {
                            $0.hours.append(try hour(load, executable("stacks-controller", .baseline), []))
                        }
                    case .withoutExecutor:
                        try measure(.current, what, &results) {
                            $0.hours.append(try hour(load, own, ["--no-executor"]))
                        }
                    case .onExecutor:
                        try measure(.current, what, &results) { $0.hours.append(try hour(load, own, [])) }
                    case .guest:
                        guard let guest else { continue }
                        try measure(.current, what, &results) { $0.guestHours.append(try hour(load, guest, [])) }
                    }
                }
            }
        }
    }

    private enum HourKind: String, CaseIterable {
        case baseline = "the controller"
        case withoutExecutor = "a controller without the executor"
        case onExecutor = "a controller"
        case guest = "the guest's controller"
    }

    private func hour(_ load: HourReport.Load, _ program: URL, _ flags: [String]) throws -> HourReport {
        let clock = FileManager.default.temporaryDirectory
            .appendingPathComponent("benchmark-clock-\(UUID().uuidString.lowercased())")
        try Data(count: 8).write(to: clock, options: .withoutOverwriting)
        defer { try? FileManager.default.removeItem(at: clock) }
        let rule = load.rule.map { ["--rule", $0] } ?? []
        let server = try Server(ownServer, ["--clock", clock.path, "--jobs", "\(load.jobs)"] + rule)
        defer { server.stop() }
        let arguments = [
            "hour", "--load", load.rawValue, "--url", server.url, "--ca-file", server.authorityFile, "--token",
            WireRequest.token, "--clock", clock.path, "--seconds", "\(load.seconds)",
        ]
        return try report(of: program, arguments + flags, within: 300)
    }

    /// What `stacks-controller` reports.
    private func controller<Report: Decodable>(
        _ build: Build, _ arguments: [String], within seconds: Int
    ) throws -> Report {
        try report(of: executable("stacks-controller", build), arguments, within: seconds)
    }

    private func report<Report: Decodable>(
        of executable: URL, _ arguments: [String], within seconds: Int
    ) throws -> Report {
        let program = try Program(executable, arguments)
        defer { program.stop() }
        return try program.receive(Report.self, within: seconds)
    }
}
