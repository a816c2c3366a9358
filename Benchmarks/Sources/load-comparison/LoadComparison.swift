import ArgumentParser
import Foundation
import Workload

/// Compares the clients: what a call costs this package and its peers, in CPU time, time and memory, beside the least
/// that it can cost.
@main
struct LoadComparison: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "Scripts/benchmark",
        abstract: "Measures what calls cost, beside a loop in C on libcurl and other clients.",
        discussion: """
            Every competitor is a process of its own, and so is the server. They take turns, round by round; what is \
            compared is the CPU time of the client's process for one call. Calls about 1000 jobs are made at most 32 at a \
            time unless --concurrency says otherwise. In a whole run and with --goals, Valgrind counts instructions where \
            the processor does not, if it is installed: 40 seconds for each number of callers.
            """
    )

    @Flag(help: "Counts what a call costs and judges it by the committed figures. Judges no time, and needs no rest.")
    var quick = false

    @Flag(help: "What the goals are about and nothing else, a million calls for the memory among it: half an hour.")
    var goals = false

    @Flag(help: "With --goals: the peers take part as well.")
    var peers = false

    @Flag(help: "Where each of the small clients allocates during a call, and nothing else.")
    var allocations = false

    @Flag(help: "Where the time of stacks-curl goes, by perf, and nothing else. Also: Scripts/benchmark profile.")
    var profile = false

    @Flag(help: "What a controller costs and how soon it launches jobs, and nothing else: a quarter of an hour.")
    var controller = false

    @Option(help: "For how long jobs arrive at a controller, in seconds. Default: 25, or more until 100 have arrived.")
    var arrivalSeconds: Int?

    @Option(name: .customLong("call"), help: "A call to make; repeat for several. \(Self.names(Call.allCases))")
    var calls: [Call] = []

    @Option(help: "How many calls at a time; repeat for several. Default: 1, 8, 32, 128 and 1024.")
    var concurrency: [Int] = []

    @Option(
        name: .customLong("competitor"), help: "Who takes part; repeat for several. \(Self.names(Competitor.allCases))")
    var competitors: [Competitor] = []

    @Option(help: ArgumentHelp("A program of your own that takes part as well; README.md says how.", valueName: "file"))
    var guest: String?

    @Option(
        help: ArgumentHelp(
            "Another revision of this package, which is built as well and measured in the same rounds.",
            discussion: "For the program itself, which Scripts/benchmark calls, it is the folder of that build.",
            valueName: "revision"))
    var baseline: String?

    @Option(help: ArgumentHelp("What tables call the baseline.", visibility: .hidden))
    var baselineName = "baseline"

    @Option(help: "How many rounds count. Default: 15.")
    var rounds: Int?

    @Option(help: "How long a round takes, in milliseconds. Default: 100.")
    var roundMilliseconds: Int?

    @Option(help: ArgumentHelp("Also watch memory over so many calls, 128 in flight.", valueName: "calls"))
    var endurance: Int?

    @Option(help: ArgumentHelp("Write everything as JSON.", valueName: "file"))
    var json: String?

    @Option(help: ArgumentHelp("Write the goals as Markdown, this machine's section of it.", valueName: "file"))
    var markdown: String?

    @Option(help: ArgumentHelp("Draw the ratios.", valueName: "file"))
    var svg: String?

    @Option(help: ArgumentHelp("The committed figures of --quick.", valueName: "file"))
    var thresholds: String?

    @Option(help: ArgumentHelp("The server during --quick: fault-server.", valueName: "file"))
    var server: String?

    @Flag(help: "With --quick: write the figures into the file of --thresholds instead of judging them by it.")
    var recordThresholds = false

    mutating func validate() throws {
        guard concurrency.allSatisfy({ (1...10_000).contains($0) }) else {
            throw ValidationError("--concurrency must be between 1 and 10000.")
        }
        guard (1...1000).contains(rounds ?? 1) else { throw ValidationError("--rounds must be between 1 and 1000.") }
        guard (1...60_000).contains(roundMilliseconds ?? 1) else {
            throw ValidationError("--round-milliseconds must be between 1 and 60000.")
        }
        guard (10...100_000_000).contains(endurance ?? 10) else {
            throw ValidationError("--endurance must be between 10 and 100000000.")
        }
        guard [quick, goals, allocations, profile, controller].count(where: { $0 }) <= 1 else {
            throw ValidationError("--quick, --goals, --allocations, --profile and --controller exclude each other.")
        }
        guard goals || !peers else { throw ValidationError("--peers goes with --goals.") }
        guard (1...600).contains(arrivalSeconds ?? 1) else {
            throw ValidationError("--arrival-seconds must be between 1 and 600.")
        }
        guard !quick || thresholds != nil && server != nil else {
            throw ValidationError("--quick needs --thresholds and --server.")
        }
        guard markdown == nil || watchesEverything else {
            throw ValidationError("--markdown records a whole run, or one with --goals.")
        }
        guard quick || thresholds == nil && server == nil && !recordThresholds else {
            throw ValidationError("--thresholds, --record-thresholds and --server go with --quick.")
        }
        guard baseline == nil || !(quick || allocations || profile) else {
            throw ValidationError("--baseline goes with runs that measure time.")
        }
        guard baseline == nil || competitors.isEmpty || competitors.contains(where: Competitor.ofBaseline.contains)
        else {
            throw ValidationError("The baseline is compared in nothing but these. \(Self.names(Competitor.ofBaseline))")
        }
        guard !quick || competitors.allSatisfy(CountedCosts.competitors.contains) else {
            throw ValidationError("--quick counts \(Self.names(CountedCosts.competitors))")
        }
    }

    mutating func run() throws {
        signal(SIGPIPE, SIG_IGN)
        let directory = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        if quick { return try count(in: directory) }
        let comparison = Comparison(
            directory: directory, baselineDirectory: baseline.map { URL(fileURLWithPath: $0) },
            guest: guest.map { URL(fileURLWithPath: $0) }, competitors: chosenCompetitors,
            rounds: rounds ?? 15, roundMilliseconds: roundMilliseconds ?? 100,
            progress: Self.report, valgrind: watchesEverything ? Valgrind() : nil)
        if allocations { return try list(Competitor.own) { try comparison.allocationListing($0, $1).text } }
        if profile { return try list([.stacksCurl]) { try comparison.profile($0, $1) } }
        var results = try sit(controller ? [] : cells, comparison)
        if watchesEverything || controller {
            try comparison.control(into: &results)
            try comparison.dispatch(seconds: arrivalSeconds, into: &results)
            try comparison.hours(into: &results)
        }
        if watchesEverything {
            try comparison.cancel(into: &results)
            results.allocationListings = try Competitor.own.map {
                try comparison.allocationListing($0, Cell(call: .states1, concurrency: 32))
            }
        }
        if let calls = endurance ?? (goals ? 1_000_000 : nil) {
            try comparison.endure(calls: calls, into: &results)
        }
        results.machine.loadAfter = Machine.load
        results.goals = Goals.goals(of: results)
        Self.report("")
        print(results.text, terminator: "")
        print(results.goals.text(over: results.baseline?.name), terminator: "")
        try write(results)
        if !results.isSound { throw ExitCode.failure }
    }

    private func write(_ results: Results) throws {
        if let json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            try (encoder.encode(results) + [UInt8(ascii: "\n")]).write(to: URL(fileURLWithPath: json))
        }
        if let markdown {
            let file = URL(fileURLWithPath: markdown)
            let exists = FileManager.default.fileExists(atPath: file.path)
            var document = GoalsDocument(exists ? try String(contentsOf: file, encoding: .utf8) : "")
            document.record(results)
            try Data(document.text.utf8).write(to: file)
        }
        if let svg { try Data(RatioChart(results).svg.utf8).write(to: URL(fileURLWithPath: svg)) }
    }

    /// Prints what `text` says of each competitor, those of `everybody` when none was chosen, in each cell.
    private func list(_ everybody: [Competitor], _ text: (Competitor, Cell) throws -> String) throws {
        let cells = calls.isEmpty && concurrency.isEmpty ? [Cell(call: .states1, concurrency: 32)] : cells
        for cell in cells {
            for competitor in competitors.isEmpty ? everybody : competitors {
                let listing = try text(competitor, cell)
                Self.report("")
                print(listing, terminator: "")
            }
        }
    }

    /// What can be counted, judged by what is committed.
    private func count(in directory: URL) throws {
        guard let thresholds, let server else { return }
        let file = URL(fileURLWithPath: thresholds)
        var costs = try CountedCosts(
            of: calls.isEmpty ? Call.allCases : calls,
            by: competitors.isEmpty ? CountedCosts.competitors : competitors,
            in: directory, server: URL(fileURLWithPath: server), progress: Self.report)
        if calls.isEmpty, competitors.isEmpty { try costs.countHours(in: directory, progress: Self.report) }
        Self.report("")
        if recordThresholds { return try CommittedCosts.write(costs, to: file) }
        let committed = try CommittedCosts(contentsOf: file)
        let verdicts = committed.verdicts(on: costs)
        guard verdicts.contains(where: { $0.limit != nil }) else {
            throw Program.Failure(description: "nothing of this can be judged by \(thresholds)")
        }
        print(CommittedCosts.text(verdicts), terminator: "")
        if let reservation = committed.reservation(on: costs) { print(reservation, terminator: "") }
        let worse = verdicts.count { $0.isWorse }
        print("\(verdicts.count { $0.limit != nil }) figures judged, \(worse) worse. Time and CPU are judged nowhere.")
        if worse > 0 { throw ExitCode.failure }
    }

    private func sit(_ cells: [Cell], _ comparison: Comparison) throws -> Results {
        var results = Results(
            machine: .current, rounds: comparison.rounds, roundMilliseconds: comparison.roundMilliseconds,
            baseline: baseline.map { _ in Baseline(name: baselineName) })
        for cell in cells { try comparison.run(cell, into: &results) }
        Self.report("")
        return results
    }
}

// MARK: - What is run

extension LoadComparison {
    /// Whether what is beside the calls is looked at as well: when nobody has asked for a part alone.
    private var watchesEverything: Bool {
        goals || !controller && calls.isEmpty && concurrency.isEmpty && competitors.isEmpty
    }

    private var chosenCompetitors: [Competitor] {
        let everybody = goals && !peers ? Competitor.goals : Competitor.allCases
        let chosen = competitors.isEmpty ? everybody : competitors
        return Competitor.allCases.filter { $0 == .floor || ($0 == .guest ? guest != nil : chosen.contains($0)) }
    }

    private var cells: [Cell] {
        if goals, calls.isEmpty, concurrency.isEmpty {
            return [1, 8, 32, 128, 256, 1024].map { Cell(call: .states1, concurrency: $0) } + [
                Cell(call: .list1000, concurrency: 1)
            ]
        }
        let chosen = calls.isEmpty ? Call.allCases : Call.allCases.filter(calls.contains)
        return chosen.flatMap { call in
            let counts =
                concurrency.isEmpty ? (call.jobCount < 1000 ? [1, 8, 32, 128, 1024] : [1, 8, 32]) : concurrency
            return counts.map { Cell(call: call, concurrency: $0) }
        }
    }

    private static func names<Value: RawRepresentable<String>>(_ values: [Value]) -> String {
        "One of \(values.map(\.rawValue).joined(separator: ", "))."
    }

    /// One line that the next one replaces, where somebody looks on.
    private static func report(_ line: String) {
        guard isatty(STDERR_FILENO) != 0 else { return }
        FileHandle.standardError.write(Data("\r\u{1B}[K\(line)".utf8))
    }
}

extension Call: ExpressibleByArgument {}
extension Competitor: ExpressibleByArgument {}
