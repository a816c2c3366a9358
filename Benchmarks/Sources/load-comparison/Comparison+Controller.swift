import Contestant
import Foundation
import Workload

extension Comparison {
    /// Ten thousand jobs for a controller.
    func control() throws -> ControllerReport {
        progress("a controller with 10000 jobs")
        return try controller(["launch", "--jobs", "10000"], within: 120)
    }

    /// Jobs that arrive while controllers run: for `seconds`, by default for 25 or until 100 have arrived, so that their median
    /// says something.
    func dispatch(seconds: Int?) throws -> [DispatchReport] {
        try [1, 5].flatMap { queues in
            try [1, 10, 50].map { rate in
                let seconds = seconds ?? max(25, 100 / rate)
                progress("\(rate) jobs a second in \(queues) queues for \(seconds) s")
                return try controller(
                    ["dispatch", "--rate", "\(rate)", "--queues", "\(queues)", "--seconds", "\(seconds)"],
                    within: seconds + 90)
            }
        }
    }

    /// An hour of a controller over the network, with its calls on the transport's executor and without, and of the
    /// guest's.
    func hours(into results: inout Results) throws {
        let own = directory.appendingPathComponent("stacks-controller")
        for load in HourReport.Load.allCases {
            // By turns, so that what disturbs the machine disturbs all. The executor's is between the two others, which are
            // compared to it.
            for turn in 0..<5 {
                let kinds = HourKind.allCases
                for kind in turn.isMultiple(of: 2) ? kinds : kinds.reversed() {
                    switch kind {
                    case .withoutExecutor: results.hours.append(try hour(load, kind, own, ["--no-executor"]))
                    case .onExecutor: results.hours.append(try hour(load, kind, own, []))
                    case .guest: if let guest { results.guestHours.append(try hour(load, kind, guest, [])) }
                    }
                }
            }
        }
    }

    private enum HourKind: String, CaseIterable {
        case withoutExecutor = "a controller without the executor"
        case onExecutor = "a controller"
        case guest = "the guest's controller"
    }

    private func hour(
        _ load: HourReport.Load, _ kind: HourKind, _ program: URL, _ flags: [String]
    ) throws -> HourReport {
        progress("an hour of \(kind.rawValue), \(load.title)")
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
    private func controller<Report: Decodable>(_ arguments: [String], within seconds: Int) throws -> Report {
        try report(of: directory.appendingPathComponent("stacks-controller"), arguments, within: seconds)
    }

    private func report<Report: Decodable>(
        of executable: URL, _ arguments: [String], within seconds: Int
    ) throws -> Report {
        let program = try Program(executable, arguments)
        defer { program.stop() }
        return try program.receive(Report.self, within: seconds)
    }
}
