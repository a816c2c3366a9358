import StacksTransport
import Testing

@Suite("A moment is an instant of the continuous clock")
struct MomentTests {
    @Test("an instant comes out as it went in, and the order and distances are the same")
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
}
