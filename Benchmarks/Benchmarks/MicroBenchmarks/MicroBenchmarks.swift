import Benchmark

/// What the parts of a call cost, each alone.
@main
struct MicroBenchmarks: BenchmarkRunnerHooks {
    static func registerBenchmarks() {
        // Allocations are not counted here: the counters need a replacement of malloc that is left out.
        Benchmark.defaultConfiguration = .init(
            metrics: [.instructions, .wallClock], maxDuration: .milliseconds(500), maxIterations: 1_000_000)
        do {
            try registerRequests()
            try registerResponses()
            registerHeaders()
            try registerMailbox()
        } catch {
            print("The benchmarks cannot be set up: \(error)")
        }
    }
}

extension Benchmark.Configuration {
    /// For what is so short that a thousand of it are measured at once; the figures are for one.
    static var short: Benchmark.Configuration {
        var configuration = Benchmark.defaultConfiguration
        configuration.scalingFactor = .kilo
        return configuration
    }
}
