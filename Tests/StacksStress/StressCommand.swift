import ArgumentParser
import HTTPTypes
import StacksCurl
import StacksTransport

/// Makes many calls over `CurlTransport`, gives up a part of them at random points, and counts what came of them.
@main
struct StressCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stacks-stress",
        abstract: "Random traffic, cancellation and faults over the libcurl transport, half of it through the client.",
        discussion: """
            Talks to fault-server. Prints a table, and exits with a status other than 0 when a call was lost, got an \
            answer that was not its own, ended late or in a way it should not, when a request that must not be repeated \
            reached the server twice, or when descriptors, threads or memory were left behind.
            """
    )

    @Option(help: "Scheme, host and port of the server.")
    var url: String

    @Option(help: "The certificate authority to trust, a file in PEM format.")
    var caFile: String?

    @Option(help: "How many calls to make.")
    var calls = 10_000

    @Option(help: "How many of them at a time.")
    var concurrency = 64

    @Option(help: "Calls in a thousand whose task is cancelled.")
    var cancelled = 333

    @Option(help: "Calls in a thousand whose deadline is too short for their answer.")
    var hurried = 5

    @Option(help: "Calls in a thousand whose stream the server resets; a tenth as many take the connection with them.")
    var faults = 10

    @Option(help: "What the traffic is made from. The time by default.")
    var seed: UInt64?

    @Option(help: "Instead of calls: how many transports to make, use once, and drop or shut down.")
    var transports = 0

    @Option(help: "The most by which resident memory may grow after the first tenth of the calls, in MiB; 0 for any.")
    var memoryGrowth = 16

    @Flag(help: "Fail unless all calls shared one connection.")
    var oneConnection = false

    mutating func validate() throws {
        guard calls > 0, concurrency > 0 else { throw ValidationError("--calls and --concurrency must be positive.") }
        guard [cancelled, hurried, faults].allSatisfy((0...1000).contains) else {
            throw ValidationError("Parts in a thousand must be between 0 and 1000.")
        }
    }

    func run() async throws {
        let seed = seed ?? UInt64.random(in: 1...UInt64(UInt32.max))
        // At once, so that it is known even when this process does not live to print its table.
        writeLine("seed \(seed)")
        let problems: [String]
        if transports > 0 {
            problems = try await makeTransports()
        } else {
            let figures = try await measure(seed: seed)
            writeLine(figures.table)
            problems = figures.problems(memoryGrowth: memoryGrowth, onOneConnection: oneConnection)
        }
        for problem in problems { writeLine("FAILED: \(problem)") }
        if !problems.isEmpty { throw ExitCode.failure }
    }

    private var configuration: CurlTransport.Configuration {
        var configuration = CurlTransport.Configuration()
        configuration.proxy = .none
        if let caFile { configuration.certificateAuthorities = .file(caFile) }
        return configuration
    }

    /// Uses everything that is made once in a process, so that it is there before the first look.
    private func warmUp() async throws {
        try await withCurlTransport(configuration: configuration) { transport in
            _ = try await transport.send(TransportRequest(method: .get, origin: url, path: "/warm-up"))
        }
        try await Task.sleep(for: .milliseconds(1))
    }

    /// Makes transports, uses each once, and drops every second one without a shutdown.
    ///
    /// - Returns: What is left of them, in words.
    private func makeTransports() async throws -> [String] {
        try await warmUp()
        let before = ProcessFigures.now()
        var warm = before
        for number in 0..<transports {
            let transport = try CurlTransport(configuration: configuration)
            _ = try await transport.send(TransportRequest(method: .get, origin: url, path: "/echo"))
            if number % 2 == 0 { await transport.shutdown() }
            if number == transports / 10 { warm = .now() }
        }
        // The threads of those that were dropped end by themselves.
        var after = ProcessFigures.now()
        let limit = ContinuousClock.now + .seconds(120)
        while after.transportThreads > 0 || after.descriptors.count > before.descriptors.count,
            ContinuousClock.now < limit
        {
            try await Task.sleep(for: .milliseconds(10))
            after = .now()
        }
        writeLine(
            "\(transports) transports: descriptors \(before.descriptors.count), \(after.descriptors.count); "
                + "threads \(before.threads), \(after.threads); "
                + "resident KiB \(before.residentKiB), \(warm.residentKiB), \(after.residentKiB)")
        return after.problems(since: before, warm: warm, memoryGrowth: memoryGrowth)
    }

    private func measure(seed: UInt64) async throws -> StressFigures {
        let configuration = configuration
        try await warmUp()
        let traffic = StressTraffic(
            origin: url, seed: seed, cancelled: cancelled, hurried: hurried, faults: faults)
        var figures = StressFigures(calls: calls)
        figures.before = .now()
        figures.server.before = try await ServerCounts.ask(url, configuration)
        let start = ContinuousClock.now
        try await withCurlTransport(configuration: configuration) { transport in
            if oneConnection {
                // The connection is made by a call that nobody cancels: one that is cancelled takes it with it.
                _ = try await transport.send(TransportRequest(method: .get, origin: url, path: "/warm-up"))
            }
            let clients = try StressClients(origin: url, transport: transport)
            let tenth = max(calls / 10, min(calls, 1000))
            figures.outcomes = await traffic.run(0..<tenth, concurrency: concurrency, over: clients)
            figures.warm = .now()
            figures.outcomes += await traffic.run(tenth..<calls, concurrency: concurrency, over: clients)
            figures.statistics = transport.statistics
        }
        figures.duration = ContinuousClock.now - start
        figures.after = .now()
        figures.server.after = try await ServerCounts.ask(url, configuration)
        return figures
    }
}
