import Testing

@testable import load_comparison

@Suite("The document with the goals")
struct GoalsDocumentTests {
    private let earlier = """
        # The goals

        An introduction.

        ## Another machine

        Its figures.

        ## 2 cores of P without counters, S, Swift 6.3

        Earlier figures.

        """

    @Test("has a machine's section replaced by a run on it, and keeps all else")
    func replaced() {
        var measurements = Measurements()
        measurements.controller = .sample(seconds: 4)
        var results = Results.sample(measurements)
        results.goals = Goals.goals(of: results)
        var document = GoalsDocument(earlier)
        document.record(results)
        let text = document.text
        #expect(
            text.hasPrefix("# The goals\n\nAn introduction.\n\n## Another machine\n\nIts figures.\n\n## 2 cores of P"))
        #expect(!text.contains("Earlier figures"))
        #expect(text.contains("| 10 in 4.00 s, 0 twice, 0 lost, 0 requests refused | **no** |\n"))
        document.record(results)
        #expect(document.text == text)
    }

    @Test("says with which revision the build was compared")
    func baseline() {
        var measurements = Measurements()
        measurements.controller = .sample(seconds: 1)
        var results = Results.sample(measurements)
        results.baseline = Baseline(name: "abc", measurements: measurements)
        results.goals = Goals.goals(of: results)
        results.absent = [
            Absence(name: "abc", part: "an hour", reason: "it ended", build: .baseline),
            Absence(name: "guest", part: "states-1 at 8", reason: "it ended"),
        ]
        var document = GoalsDocument("")
        document.record(results)
        #expect(document.text.contains("The build of abc took part"))
        #expect(document.text.contains("| 1.00 | yes |\n"))
        #expect(document.text.contains("abc is not in an hour: it ended.") && !document.text.contains("states-1 at 8"))
    }
}
