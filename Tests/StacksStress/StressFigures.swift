import StacksCurl
import StacksTransport

/// The outcomes of the calls, as their callers saw them.
struct StressOutcomes: Sendable {
    var begun = 0
    var completed = 0
    var cancelled = 0
    var failed: [String: Int] = [:]
    /// Responses that belong to another call or are not from this server.
    var wrong = 0
    var late = 0
    /// Ends that should not be, the first few of them.
    var surprises: [String] = []
    var surpriseCount = 0

    /// Calls that returned or threw.
    var ended: Int { completed + cancelled + failed.values.reduce(0, +) }

    mutating func note(_ surprise: String) {
        surpriseCount += 1
        if surprises.count < 5 { surprises.append(surprise) }
    }

    static func += (total: inout Self, part: Self) {
        total.begun += part.begun
        total.completed += part.completed
        total.cancelled += part.cancelled
        total.failed.merge(part.failed, uniquingKeysWith: +)
        total.wrong += part.wrong
        total.late += part.late
        total.surpriseCount += part.surpriseCount
        total.surprises = Array((total.surprises + part.surprises).prefix(5))
    }
}

/// Everything that was counted in one run.
struct StressFigures {
    let calls: Int
    var outcomes = StressOutcomes()
    var statistics: CurlTransport.Statistics?
    var before = ProcessFigures()
    var warm = ProcessFigures()
    var after = ProcessFigures()
    var server = (before: ServerCounts(), after: ServerCounts())
    var duration = Duration.zero

    /// Requests that must not be repeated and reached the server again.
    private var repeated: Int { server.after.repeated - server.before.repeated }
    /// Requests that reached the server whole, those of the figures left out.
    private var requests: Int { server.after.requests - server.before.requests }
    private var lost: Int { calls - outcomes.ended }
    /// Connections that the calls were made on; the server's figures are asked for on one of their own.
    private var connections: Int { server.after.connections - server.before.connections - 1 }

    var table: String {
        let failed = outcomes.failed.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        let rows: [(String, String)] = [
            ("calls", "\(calls) in \(duration)"),
            ("reached the server", "\(requests)"),
            ("completed", "\(outcomes.completed)"),
            ("cancelled", "\(outcomes.cancelled)"),
            ("failed", failed.isEmpty ? "0" : failed),
            ("lost", "\(lost)"),
            ("wrong responses", "\(outcomes.wrong)"),
            ("late", "\(outcomes.late)"),
            ("duplicated", "\(repeated)"),
            ("connections", "\(connections)"),
            ("quarantined", "\(statistics?.connectionsQuarantined ?? 0)"),
            (
                "descriptors",
                "before, during, after: "
                    + [before, warm, after].map { "\($0.descriptors.count)" }.joined(separator: ", ")
            ),
            ("threads", "\(before.threads) before, \(warm.threads) during, \(after.threads) after"),
            ("resident KiB", "\(before.residentKiB) before, \(warm.residentKiB) warm, \(after.residentKiB) after"),
        ]
        let width = rows.map(\.0.count).max() ?? 0
        return rows.map { $0.0 + String(repeating: " ", count: width + 2 - $0.0.count) + $0.1 }
            .joined(separator: "\n")
    }

    /// What must not be, in words.
    func problems(memoryGrowth: Int, onOneConnection: Bool) -> [String] {
        var problems = outcomes.surprises
        if outcomes.surpriseCount > problems.count { problems.append("… \(outcomes.surpriseCount) in all") }
        func expect(_ holds: Bool, _ problem: @autoclosure () -> String) { if !holds { problems.append(problem()) } }
        expect(lost == 0, "\(lost) calls have no end")
        expect(outcomes.wrong == 0, "\(outcomes.wrong) calls got a wrong response")
        expect(outcomes.late == 0, "\(outcomes.late) calls ended after their deadline")
        expect(requests >= outcomes.completed, "there are more responses than requests that reached the server")
        expect(repeated == 0, "\(repeated) requests that must not be repeated reached the server again")
        guard let statistics else { return problems + ["the transport has no figures"] }
        expect(statistics.inFlight == 0 && statistics.queued == 0, "the transport still holds calls")
        // A call that was cancelled before it was posted is not counted by the transport.
        let counted = statistics.completed + statistics.failed + statistics.cancelled
        expect(counted <= calls + (onOneConnection ? 1 : 0), "the transport ended \(counted) calls of \(calls)")
        expect(!onOneConnection || connections == 1, "the calls were made on \(connections) connections instead of 1")
        #if os(Linux)
            // What is not found while it is there would not be found afterwards either.
            expect(warm.transportThreads == 1, "\(warm.transportThreads) threads of the transport during the calls")
        #endif
        expect(statistics.completed >= outcomes.completed, "there are more responses than the transport got")
        problems += after.problems(since: before, warm: warm, memoryGrowth: memoryGrowth)
        return problems
    }
}
