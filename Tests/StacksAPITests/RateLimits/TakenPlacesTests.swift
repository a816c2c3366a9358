import StacksTransport
import Testing

@testable import StacksAPI

@Suite("Places of a rate limit's window are taken until they are free")
struct TakenPlacesTests {
    private let start = Moment.now

    @Test("each place becomes free at its own instant")
    func exact() {
        var places = ScopePacer.TakenPlaces()
        for millisecond in 1...1000 { places.take(1, until: start + .microseconds(10 * millisecond)) }
        for millisecond in 1...1000 {
            #expect(places.free(after: 0) == start + .microseconds(10 * millisecond))
            places.giveBack(start + .microseconds(10 * millisecond))
            #expect(places.count == 1000 - millisecond)
        }
        #expect(places.free(after: 0) == nil)
    }

    @Test("places that are taken together become free together")
    func atOnce() {
        var places = ScopePacer.TakenPlaces()
        places.take(2, until: start + .seconds(1))
        places.take(1_000_000, until: start + .seconds(2))
        #expect(places.free(after: 1) == start + .seconds(1))
        #expect(places.free(after: 2) == start + .seconds(2))
        #expect(places.free(after: 1_000_001) == start + .seconds(2))
        #expect(places.free(after: 1_000_002) == nil)
        places.giveBack(start + .seconds(1))
        #expect(places.count == 1_000_000)
        places.giveBack(start + .seconds(2))
        #expect(places.count == 0)
    }

    @Test("a place is taken at least as long as those before it")
    func order() {
        var places = ScopePacer.TakenPlaces()
        places.take(1, until: start + .seconds(2))
        places.take(1, until: start + .seconds(1))
        places.giveBack(start + .milliseconds(1500))
        #expect(places.count == 2)
        places.giveBack(start + .seconds(2))
        #expect(places.count == 0)
    }

    @Test("at a rate above all limits, no place is free too early or more than a millisecond late")
    func highRate() {
        var places = ScopePacer.TakenPlaces()
        let (window, step) = (Duration.seconds(1), Duration.microseconds(10))
        var now = start
        var taken = 0
        // Three windows of a hundred thousand requests each.
        for _ in 0..<300_000 {
            places.giveBack(now)
            taken += 1
            // Those that are free by now at their own times, and those that were a millisecond ago.
            let age = Int((now - start - window) / step)
            #expect(places.count >= taken - 1 - max(0, age + 1))
            #expect(places.count <= taken - 1 - max(0, age - 100))
            places.take(1, until: now + window)
            now = now + step
        }
    }
}
