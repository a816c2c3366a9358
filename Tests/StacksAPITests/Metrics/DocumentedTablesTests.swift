import Foundation
import HTTPTypes
import MetricsTestKit
import StacksTesting
import StacksTransport
import Testing

@testable import StacksAPI

/// The tables of metrics and of error codes, against what the code does.
@Suite struct DocumentedTablesTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..")

    /// The cells of the rows whose first one is a name of the kind that is looked for.
    private func rows(of path: String, where isWanted: (String) -> Bool) throws -> [[String]] {
        let text = try String(contentsOf: Self.root.appending(path: path), encoding: .utf8)
        return text.split(separator: "\n").filter { $0.hasPrefix("| `") }.map { line in
            line.dropFirst().split(separator: "|", omittingEmptySubsequences: false)
                .map { $0.trimmingCharacters(in: .whitespaces) }
        }.filter { isWanted($0[0].trimmingCharacters(in: ["`"])) }
    }

    private static let codes = Set(StacksAPIError.Code.known.map(\.description))

    @Test("every metric is in the table, and nothing else is, with its type, unit and labels")
    func documentsMetrics() async throws {
        let metrics = TestMetrics()
        let bed = try Testbed(
            [.response(.notFound), .response(.badGateway), .response(.notFound)], clock: LeapingClock(),
            configure: { $0.metricsFactory = metrics })
        for _ in 0..<2 { _ = try await failure { _ = try await bed.client.tokenIdentity() } }
        // Label, type and unit, and the names of its dimensions.
        var seen: Set<[String]> = []
        for counter in metrics.counters {
            let labels = counter.dimensions.map { "`\($0.0)`" }.joined(separator: ", ")
            let unit =
                counter.label.hasSuffix("_retries") || counter.label.hasSuffix("_requests") ? "requests" : "calls"
            seen.insert(["`\(counter.label)`", "counter", unit, labels])
        }
        for timer in metrics.timers {
            let labels = timer.dimensions.map { "`\($0.0)`" }.joined(separator: ", ")
            seen.insert(["`\(timer.label)`", "timer", "ns", labels])
        }
        #expect(seen.count == 10)
        let documented = try rows(of: "Sources/StacksAPI/StacksAPI.docc/Metrics.md") { $0.hasPrefix("stacks_") }
        #expect(Set(documented.map { Array($0.prefix(4)) }) == seen)
        #expect(documented.count == seen.count)
    }

    @Test("every operation's rate limit is in the table, with its scope, its limit and its lane")
    func documentsRateLimits() throws {
        let names = Set(StacksOperation.all.map { "`\($0)`" })
        let documented = try rows(of: "Sources/StacksAPI/StacksAPI.docc/RateLimits.md") { _ in true }
        let unpaced = StacksOperation.all.filter { $0.definition.rateScope == nil }
        #expect(
            documented.contains { Set($0[0].components(separatedBy: ", ")) == Set(unpaced.map { "`\($0)`" }) })
        for operation in StacksOperation.all {
            guard let scope = operation.definition.rateScope else { continue }
            let row = try #require(documented.first { $0[0] == "`\(operation)`" }, "\(operation)")
            // The scope of one operation is not documented by Buildkite.
            #expect(row[1] == "`\(scope.name)`" || operation == .issueJobAcquisitionTokens, "\(operation)")
            #expect(row[2] == "\(scope.limit)" && row[3] == "\(scope.lane)", "\(operation)")
        }
        #expect(documented.count == names.count - unpaced.count + 1)
    }

    @Test("every error code is in the table once, with whether it is retryable and its advice")
    func documentsErrors() throws {
        let documented = try rows(of: "Sources/StacksAPI/StacksAPI.docc/Errors.md") { Self.codes.contains($0) }
        #expect(documented.count == Self.codes.count)
        for code in StacksAPIError.Code.known {
            let row = try #require(documented.first { $0[0] == "`\(code)`" }, "\(code)")
            #expect(row[3] == code.advice)
            // Whether a transport's failure can pass depends on what failed.
            #expect(row[2] == (code == .transport ? "mostly" : code.isRetryable ? "yes" : "no"), "\(code)")
        }
    }
}
