import Foundation
import Testing

@testable import StacksAPI

/// The reader against Foundation's: what both accept has to be the same values, and neither accepts what the other
/// refuses, over generated documents and over broken ones. The seeds are fixed.
@Suite struct JSONDifferentialTests {
    private struct Peer: Decodable {
        struct Page: Decodable { var jobs: [Job] }
        struct Job: Decodable {
            struct Pipeline: Decodable { var slug: String? }
            struct Build: Decodable {
                var number: Int?
                var branch: String?
            }
            var id: String
            var priority: Int?
            var agent_query_rules: [String]?
            var pipeline: Pipeline?
            var build: Build?
        }
    }

    private func summary(_ document: [UInt8]) -> String? {
        guard let page = try? JSONReader.read(document, ScheduledJobsPage.read) else { return nil }
        return page.jobs.map { job in
            "\(job.id) \(job.priority) \(job.agentQueryRules) \(job.pipeline.slug ?? "-") \(job.build.number ?? -1) "
                + (job.build.branch ?? "-")
        }.joined(separator: "\n")
    }

    private func peerSummary(_ document: [UInt8]) -> String? {
        guard let page = try? JSONDecoder().decode(Peer.Page.self, from: Data(document)) else { return nil }
        return page.jobs.map { job in
            "\(job.id) \(job.priority ?? 0) \(job.agent_query_rules ?? []) \(job.pipeline?.slug ?? "-") "
                + "\(job.build?.number ?? -1) \(job.build?.branch ?? "-")"
        }.joined(separator: "\n")
    }

    @Test("generated documents are read as Foundation reads them", arguments: [1, 2, 3, 4] as [UInt64])
    func readsGeneratedDocuments(seed: UInt64) throws {
        var generator = DocumentGenerator(seed: seed)
        for _ in 0..<100 {
            let document = Array(generator.page().utf8)
            let expected = try #require(peerSummary(document))
            #expect(summary(document) == expected)
        }
    }

    @Test("broken documents are refused where Foundation refuses them", arguments: [11, 12, 13, 14] as [UInt64])
    func readsMutatedDocuments(seed: UInt64) {
        var generator = DocumentGenerator(seed: seed)
        var accepted = 0
        for _ in 0..<25 {
            let original = Array(generator.page(jobs: 2).utf8)
            for _ in 0..<60 {
                let document = generator.mutated(original)
                let ours = summary(document)
                if ours != nil { accepted += 1 }
                // Foundation takes the first of two equal keys, guesses other encodings from the first bytes, and takes
                // a missing comma or a stray byte in places: what matters is that nothing else is read out of the same
                // bytes, and that nothing that it refuses is accepted.
                if let ours, !generator.hasDuplicateKeys(document) {
                    #expect(peerSummary(document) == ours, "\(String(decoding: document, as: UTF8.self))")
                }
            }
        }
        #expect(accepted > 0, "some mutations do no harm; none were accepted")
    }
}
