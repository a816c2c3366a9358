import Contestant
import Logging

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a controller does with the simulator, measured: one line of JSON on standard output.
///
///     stacks-controller launch --jobs 10000
///     stacks-controller dispatch --rate 10 --queues 1 --seconds 25 --seed 1
///     stacks-controller hour --load idle [--seconds 3600] [--url ORIGIN --ca-file FILE --clock FILE] [--no-executor]
@main
enum StacksControllerRun {
    static func main() async throws {
        let options = Options(CommandLine.arguments.dropFirst())
        switch options.name {
        case "launch":
            try write(try await LaunchRun.report(jobs: options.number("--jobs") ?? 10_000))
        case "dispatch":
            let run = DispatchRun(
                rate: options.number("--rate") ?? 10, queues: options.number("--queues") ?? 1,
                seconds: options.number("--seconds") ?? 25, seed: UInt64(options.number("--seed") ?? 1))
            try write(try await run.report())
        case "hour":
            guard let load = options["--load"].flatMap(HourReport.Load.init(rawValue:)) else { throw Usage() }
            try write(try await HourRun(load: load, options: options).report())
        default:
            throw Usage()
        }
    }

    struct Usage: Error {}

    private static func write(_ report: some Encodable) throws {
        print(String(decoding: try JSONEncoder().encode(report), as: UTF8.self))
    }
}

/// The program's arguments: a name, options with a value, and flags.
struct Options {
    let name: String
    private var values: [String: String] = [:]

    init(_ arguments: ArraySlice<String>) {
        var rest = arguments
        name = rest.popFirst() ?? ""
        while let option = rest.popFirst() {
            let value = rest.first.flatMap { $0.hasPrefix("--") ? nil : $0 }
            values[option] = value ?? ""
            if value != nil { rest.removeFirst() }
        }
    }

    subscript(option: String) -> String? { values[option] }

    func number(_ option: String) -> Int? { self[option].flatMap { Int($0) } }
}

extension Logger {
    static let silent = Logger(label: "benchmark") { _ in SwiftLogNoOpLogHandler() }
}
