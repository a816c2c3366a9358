import Testing

@testable import load_comparison

@Suite("Ratios of two builds")
struct FigureTests {
    @Test("of what was measured in the same rounds are the median of the rounds' ratios")
    func pairs() {
        // 1, 0.5 and 3; the ratio of the medians would be 2/3.
        #expect(Figure(of: [1, 2, 9]).ratio(to: Figure(of: [1, 4, 3])) == 1)
    }

    @Test("are not made where one build has missed a round")
    func missed() {
        #expect(Figure(of: [1, 2, 9]).ratio(to: Figure(of: [4, 4])) == nil)
        #expect(Figure(of: [1]).ratio(to: Figure(of: [])) == nil)
        #expect(Figure(of: []).ratio(to: Figure(of: [1])) == nil)
    }

    @Test("are not made of what is not positive", arguments: [[], [0], [1, -1]])
    func nothingToDivide(values: [Double]) {
        #expect(Figure(of: values).ratio(to: Figure(of: values.map { _ in 1 })) == nil)
        #expect(Figure(of: values.map { _ in 1 }).ratio(to: Figure(of: values)) == nil)
    }

    @Test("name each measure once, and leave out what only one build has shown")
    func text() {
        let current = [
            Figure(label: "at 1", of: [9]), Figure(label: "at 8", of: [3]), Figure(label: "at 32", of: [1]),
            Figure("instructions", label: "at 1", of: [1]), Figure("instructions", label: "at 8", of: [5]),
            Figure("longest", of: [7]),
        ]
        let baseline = [
            Figure("instructions", label: "at 8", of: [4]), Figure(label: "at 1", of: [10]),
            Figure(label: "at 8", of: [4]), Figure("instructions", label: "at 1", of: [2]), Figure("longest", of: [7]),
        ]
        #expect(
            current.ratios(to: baseline) == "0.90 at 1, 0.75 at 8; instructions 0.50 at 1, 1.25 at 8; longest 1.00")
        #expect(current.ratios(to: [Figure("p50", of: [1])]) == nil)
    }
}
