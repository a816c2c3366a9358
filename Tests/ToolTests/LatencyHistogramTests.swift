import Testing

@testable import stacksctl

@Suite("Latency histogram")
struct LatencyHistogramTests {
    @Test("nothing was counted, so there is nothing to say")
    func empty() {
        #expect(LatencyHistogram().duration(quantile: 0.5) == nil)
    }

    @Test("a quantile is at most 5 % above the true one, and never above the longest")
    func quantiles() throws {
        var histogram = LatencyHistogram()
        for milliseconds in 1...1000 { histogram.record(.milliseconds(milliseconds)) }
        #expect(histogram.count == 1000)
        for (quantile, exact) in [(0.5, 500.0), (0.99, 990.0), (0.01, 10.0)] {
            let found = try #require(histogram.duration(quantile: quantile)) / .milliseconds(1)
            #expect(found >= exact && found <= exact * 1.05)
        }
        #expect(histogram.duration(quantile: 1) == .milliseconds(1000))
    }

    @Test("less than nothing counts as nothing, and years fit")
    func extremes() {
        var histogram = LatencyHistogram()
        histogram.record(.seconds(-5))
        #expect(histogram.duration(quantile: 1) == .zero)
        histogram.record(.seconds(86_400 * 1000))
        #expect(histogram.maximum == .seconds(86_400 * 1000))
        #expect(histogram.count == 2)
    }
}
