import Foundation
import Testing

@testable import load_comparison

@Suite("Results")
struct ResultsTests {
    @Test("are sound unless one of this build's own contestants is missing or has made errors")
    func soundness() {
        var results = Results.sample(Measurements())
        results.baseline = Baseline(name: "abc")
        results[.current].rows = [.sample(.stacksCurl, 1), .sample(.guest, 1, errors: 3)]
        results[.baseline].rows = [.sample(.stacksCurl, 1, errors: 3)]
        results.absent = [
            Absence(name: "stacks-curl, abc", part: "states-1 at 8", reason: "it ended", build: .baseline)
        ]
        #expect(results.isSound)
        results.absent[0].build = .current
        #expect(!results.isSound)
        results.absent = []
        results[.current].rows[0].errors = 1
        #expect(!results.isSound)
    }

    @Test("show the rows of both builds, those of the baseline with its revision, and who is missing")
    func text() {
        var results = Results.sample(Measurements())
        results.baseline = Baseline(name: "abc")
        for build in [Build.current, .baseline] { results[build].rows = [.sample(.stacksCurl, 8)] }
        results.absent = [
            Absence(name: "abc", part: "a controller with 10000 jobs", reason: "it ended", build: .baseline)
        ]
        let names = results.text.split(separator: "\n").compactMap { line in
            line.range(of: "  ").map { line[..<$0.lowerBound] }
        }
        #expect(names.contains("stacks-curl") && names.contains("stacks-curl, abc"))
        #expect(results.text.hasSuffix("\nabc is not in a controller with 10000 jobs: it ended\n"))
    }
}
