import Testing

@testable import load_comparison

@Suite("Instructions by Valgrind")
struct ValgrindTests {
    @Test("are those of the calls that the second run made more")
    func difference() {
        #expect(Valgrind.perCall((1000, 5_000_000), (3000, 9_000_000)) == 2000)
    }

    @Test(
        "are unknown where more calls took no more of them, or were not made",
        arguments: [(3000, 5_000_000), (1000, 9_000_000)])
    func unknown(calls: Int, instructions: Int) {
        #expect(Valgrind.perCall((1000, 5_000_000), (calls, instructions)) == nil)
    }

    @Test("are read from what it prints at the end")
    func output() {
        let log = "==1== Cachegrind, a high-precision tracing profiler\n==1== \n==1== I   refs:      1,234,567\n"
        #expect(Valgrind.instructions(in: log) == 1_234_567)
        #expect(Valgrind.instructions(in: "==1== D   refs:      1,234\n") == nil)
    }
}
