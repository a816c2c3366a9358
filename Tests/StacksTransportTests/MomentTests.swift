import StacksTransport
import Testing

@Suite("Moments are instants of the continuous clock")
struct MomentTests {
    @Test("conversion keeps instants, their order and their distances")
    func roundTrip() {
        let now = ContinuousClock.now
        let offsets: [Duration] = [.zero, .nanoseconds(1), .milliseconds(-5), .seconds(86_400 * 400)]
        for offset in offsets {
            let instant = now + offset
            #expect(Moment(instant).instant == instant)
            #expect(Moment(instant) - Moment(now) == offset)
            #expect(Moment(now) + offset == Moment(instant))
            #expect((Moment(instant) < Moment(now)) == (instant < now))
        }
    }

    @Test("`now` agrees with the continuous clock")
    func present() {
        let before = ContinuousClock.now - .milliseconds(10)
        let moment = Moment.now.instant
        #expect(before < moment && moment < ContinuousClock.now + .milliseconds(10))
    }

    @Test("instants and distances out of range are clamped")
    func endsSomewhere() {
        let now = Moment.now
        let end = now + .seconds(Int64.max)
        #expect(end + .seconds(1) == end)
        #expect(end > now + .seconds(86_400 * 365 * 100))
        let beginning = now - .seconds(Int64.max)
        #expect(beginning < now)
        #expect(beginning.nanoseconds(to: end) == .max)
        #expect(end.nanoseconds(to: beginning) == .min)
    }
}
