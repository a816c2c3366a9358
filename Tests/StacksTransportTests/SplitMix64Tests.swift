import StacksTransport
import Testing

@Suite("Seeded random numbers")
struct SplitMix64Tests {
    @Test("the numbers match the algorithm's reference")
    func reference() {
        var generator = SplitMix64(seed: 1_234_567)
        let numbers = (0..<5).map { _ in generator.next() }
        #expect(
            numbers == [
                6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
                4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
            ])
    }

    @Test("fractions are in 0..<1 and uniform")
    func fractions() {
        var generator = SplitMix64(seed: 7)
        let fractions = (0..<10_000).map { _ in generator.fraction() }
        #expect(fractions.allSatisfy { (0..<1).contains($0) })
        let mean = fractions.reduce(0, +) / 10_000
        #expect(abs(mean - 0.5) < 0.01)
    }
}
