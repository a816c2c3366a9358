/// An instant of the continuous clock, for what is copied on the way of every call.
///
/// How large a `ContinuousClock.Instant` is, is known only when the program runs, on Linux at least: whatever holds one is
/// laid out and copied field by field through the runtime. This one is a plain number, and ten times as cheap.
package struct Moment: Comparable, Sendable {
    /// Since an instant that stays the same as long as the process runs.
    @usableFromInline let offset: Duration

    @inlinable init(offset: Duration) { self.offset = offset }

    /// The same instant.
    package init(_ instant: ContinuousClock.Instant) {
        offset = Self.origin.duration(to: instant)
    }

    private static let origin = ContinuousClock.now

    /// The present.
    package static var now: Moment { Moment(.now) }

    /// The same instant as everybody else knows it.
    package var instant: ContinuousClock.Instant { Self.origin + offset }

    @inlinable package func duration(to other: Moment) -> Duration { other.offset - offset }

    @inlinable package static func + (moment: Moment, duration: Duration) -> Moment {
        Moment(offset: moment.offset + duration)
    }

    @inlinable package static func - (moment: Moment, duration: Duration) -> Moment {
        Moment(offset: moment.offset - duration)
    }

    @inlinable package static func - (later: Moment, earlier: Moment) -> Duration { later.offset - earlier.offset }

    @inlinable package static func < (lhs: Moment, rhs: Moment) -> Bool { lhs.offset < rhs.offset }
}
