import Foundation
import TestServers
import Testing

@testable import stacksctl

/// The bounds on the logs of jobs that `stacksctl run --job-logs` writes.
@Suite("Logs of jobs", .timeLimit(.minutes(5)))
struct RunJobLogTests {
    private func withDirectory(_ body: (URL) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "job-logs-\(UUID())")
        try FileManager.default.createDirectory(
            at: directory.appending(path: "logs"), withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try await body(directory)
    }

    private func arguments(_ world: SimulatedWorld, _ directory: URL, _ options: [String], _ script: String) -> [String]
    {
        [
            "run", "--stack", "runner", "--queue", world.simulator.ready.queue, "--poll-interval", "0.2", "--job-logs",
            directory.appending(path: "logs").path,
        ] + options + ["--", "bash", "-c", script, Checkout.demoAgent.path, directory.path]
    }

    private func logs(in directory: URL) throws -> [String: String] {
        let names = try FileManager.default.contentsOfDirectory(atPath: directory.appending(path: "logs").path)
        return Dictionary(
            uniqueKeysWithValues: try names.map {
                ($0, try String(contentsOf: directory.appending(path: "logs/\($0)"), encoding: .utf8))
            })
    }

    @Test("a log that is too large keeps its beginning and end, and of ended jobs only so many logs are kept")
    func limits() async throws {
        try await SimulatedWorld.run { world in
            try await withDirectory { directory in
                let jobs = try await world.addJobs(5)
                try "mine".write(to: directory.appending(path: "logs/notes.log"), atomically: true, encoding: .utf8)
                let run = try await world.stacksctl(
                    arguments(
                        world, directory,
                        ["--once", "--max-in-flight", "1", "--job-log-limit", "4k", "--job-logs-kept", "2"],
                        #"seq 1 20000; "$0"; echo the end"#))
                #expect(run.status == 0, "\(run.errors)")
                var logs = try logs(in: directory)
                #expect(logs.removeValue(forKey: "notes.log") == "mine")
                #expect(Set(logs.keys) == Set(jobs.suffix(2).map { "\($0).log" }), "\(logs.keys)")
                for log in logs.values {
                    #expect(log.utf8.count <= 4096 && log.hasPrefix("1\n2\n") && log.hasSuffix("\n20000\nthe end\n"))
                    #expect(log.contains(" bytes of output are missing here: the limit of a job's log is 4096 bytes]"))
                }
            }
        }
    }

    @Test("bounds that cannot be are mistakes in the command line, which say what can be")
    func mistakes() async throws {
        let cases: [(options: [String], said: String)] = [
            (["--job-log-limit", "1k"], "from 4k to 1024G"), (["--job-log-limit", ""], "from 4k to 1024G"),
            (["--job-log-limit", "64MB"], "from 4k to 1024G"), (["--job-log-limit", "-1"], "from 4k to 1024G"),
            (["--job-log-limit", "9999999999999999G"], "from 4k to 1024G"), (["--job-logs-kept", "0"], "from 1 on"),
            (["--job-logs-kept", "ß"], "from 1 on"),
        ]
        for (options, said) in cases {
            let run = try await ToolRun.stacksctl(
                ["run", "--stack", "k", "--queue", "-", "--job-logs", "/tmp"] + options + ["--", "true"])
            #expect(run.status == 64 && run.errors.contains(said), "\(options): \(run.errors)")
        }
        let lonely = try await ToolRun.stacksctl(
            ["run", "--stack", "k", "--queue", "-", "--job-logs-kept", "3", "--", "true"])
        #expect(lonely.status == 64 && lonely.errors.contains("need --job-logs"))
    }

    @Test("sizes have the units of 1024 in either case, and a word stands for none")
    func sizes() throws {
        #expect(try Bound.size(parsing: "4096") == .at(4096))
        #expect(try Bound.size(parsing: "64k") == .at(65_536) && Bound.size(parsing: "64K") == .at(65_536))
        #expect(try Bound.size(parsing: "2M") == .at(2 << 20) && Bound.size(parsing: "1g") == .at(1 << 30))
        #expect(try Bound.size(parsing: "none") == .unlimited && Bound.count(parsing: "all") == .unlimited)
        #expect(try Bound.count(parsing: "12") == .at(12))
        for text in ["ß", "k", "1kk", "0x10k", "٣k", "+5k", " 5k"] {
            #expect(throws: (any Error).self, "\(text)") { try Bound.size(parsing: text) }
        }
    }

    @Test("a controller that was killed leaves logs that the next one keeps within the bounds while their jobs run")
    func recovered() async throws {
        try await SimulatedWorld.run(["--jobs", "3"]) { world in
            try await withDirectory { directory in
                let options = ["--state-directory", directory.path, "--job-log-limit", "8k", "--job-logs-kept", "1"]
                // Each says that it is there, and prints a lot when it is told to.
                let script = #"""
                    echo "started"; until [ -e "$1/print" ]; do sleep 0.02; done; seq 1 20000
                    until [ -e "$1/go" ]; do sleep 0.02; done; exec "$0"
                    """#
                func start(_ more: [String]) throws -> ChildProcess {
                    try ToolRun.start(
                        arguments(world, directory, options + more, script), environment: world.environment)
                }
                func until(_ condition: () throws -> Bool) async throws {
                    while try !condition() { try await Task.sleep(for: .milliseconds(5)) }
                }
                let first = try start([])
                try await until { try logs(in: directory).values.count { $0 == "started\n" } == 3 }
                first.kill()
                _ = try await first.outcome()

                let second = try start(["--once"])
                try await until { second.errorText.contains("3 jobs are running already") }
                try Data().write(to: directory.appending(path: "print"))
                try await until {
                    let logs = try logs(in: directory).values
                    return logs.count == 3
                        && logs.allSatisfy { $0.hasPrefix("started\n1\n") && $0.contains("missing here") }
                }
                try Data().write(to: directory.appending(path: "go"))
                let run = ToolRun(try await second.outcome())
                #expect(run.status == 0, "\(run.errors)")
                let left = try logs(in: directory).values
                #expect(left.count == 1 && left.allSatisfy { $0.utf8.count <= 8192 })
            }
        }
    }
}
