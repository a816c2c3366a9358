import Testing

@testable import load_comparison

@Suite("The middle of several rounds")
struct SpreadTests {
    @Test("lies between two where their number is even, and so do the quartiles")
    func quantiles() {
        let spread = Spread([4, 1, 3, 2])
        #expect(spread.median == 2.5)
        #expect(spread.lowerQuartile == 1.75)
        #expect(spread.upperQuartile == 3.25)
        #expect(spread.noise == 0.3)
    }
}
