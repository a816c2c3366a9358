import Contestant
import Foundation
import Workload

extension Comparison {
    /// Ten thousand jobs for a controller.
    func control() throws -> ControllerReport {
        progress("a controller with 10000 jobs")
        return try controller(["launch", "--jobs", "10000"], within: 120)
    }

    /// Jobs that arrive while controllers run.
    func dispatch(seconds: Int) throws -> [DispatchReport] {
        try [1, 5].flatMap { queues in
            try [1, 10, 50].map { rate in
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
        for load in HourReport.Load.allCases {
            // By turns, so that what disturbs the machine disturbs all.
            for turn in 0..<5 {
                for usesExecutor in turn.isMultiple(of: 2) ? [true, false] : [false, true] {
                    progress("an hour of a controller, \(load.title)\(usesExecutor ? "" : ", without the executor")")
                    let flags = usesExecutor ? [] : ["--no-executor"]
                    results.hours.append(try hour(load, directory.appendingPathComponent("stacks-controller"), flags))
                }
                guard let guest else { continue }
                progress("an hour of the guest's controller, \(load.title)")
                results.guestHours.append(try hour(load, guest, []))
            }
        }
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
