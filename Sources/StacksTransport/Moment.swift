#if os(Linux)
    #if canImport(Musl)
        import Musl
    #else
        import Glibc
    #endif
#endif

/// An instant of the continuous clock that is cheap to copy.
///
/// On Linux, `ContinuousClock.Instant` has no fixed layout, so that every struct that contains one is copied field by
/// field through the runtime. A `Moment` is a number of nanoseconds. Its range is 292 years from the clock's origin, and
/// arithmetic saturates at the ends of that range.
package struct Moment: Comparable, Sendable {
    @usableFromInline let nanoseconds: Int64

    @inlinable init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// The same instant.
    package init(_ instant: ContinuousClock.Instant) {
        let origin = Self.origin
        self = origin.moment + origin.instant.duration(to: instant)
    }

    /// The current instant.
    package static var now: Moment {
        #if os(Linux)
            // The clock behind `ContinuousClock`, read without creating one of its instants.
            var time = timespec()
            clock_gettime(CLOCK_BOOTTIME, &time)
            return Moment(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
        #else
            return Moment(.now)
        #endif
    }

    /// The same instant as a `ContinuousClock.Instant`.
    package var instant: ContinuousClock.Instant { Self.origin.instant + Self.origin.moment.duration(to: self) }

    /// One instant in both forms, for conversions.
    private static let origin: (instant: ContinuousClock.Instant, moment: Moment) = {
        #if os(Linux)
            // The closest of a few pairs, because the thread can be preempted between the two reads of the clock.
            let pairs = (0..<8).map { _ in (before: now, instant: ContinuousClock.now, after: now) }
            let closest = pairs.min { $0.after - $0.before < $1.after - $1.before }!
            return (closest.instant, closest.before)
        #else
            return (.now, Moment(nanoseconds: 0))
        #endif
    }()

    /// The nanoseconds from this instant to `other`; negative when `other` is earlier.
    @inlinable package func nanoseconds(to other: Moment) -> Int64 {
        let (distance, overflow) = other.nanoseconds.subtractingReportingOverflow(nanoseconds)
        return overflow ? (other < self ? .min : .max) : distance
    }

    @inlinable package func duration(to other: Moment) -> Duration { .nanoseconds(nanoseconds(to: other)) }

    @inlinable package func advanced(byNanoseconds distance: Int64) -> Moment {
        let (sum, overflow) = nanoseconds.addingReportingOverflow(distance)
        return Moment(nanoseconds: overflow ? (distance < 0 ? .min : .max) : sum)
    }

    @inlinable package static func + (moment: Moment, duration: Duration) -> Moment {
        moment.advanced(byNanoseconds: duration.wholeNanoseconds)
    }

    @inlinable package static func - (moment: Moment, duration: Duration) -> Moment { moment + (.zero - duration) }

    @inlinable package static func - (later: Moment, earlier: Moment) -> Duration { earlier.duration(to: later) }

    // All four are defined, because the default implementations call `<` through a witness table from other modules.
    @inlinable package static func < (lhs: Moment, rhs: Moment) -> Bool { lhs.nanoseconds < rhs.nanoseconds }
    @inlinable package static func <= (lhs: Moment, rhs: Moment) -> Bool { lhs.nanoseconds <= rhs.nanoseconds }
    @inlinable package static func > (lhs: Moment, rhs: Moment) -> Bool { lhs.nanoseconds > rhs.nanoseconds }
    @inlinable package static func >= (lhs: Moment, rhs: Moment) -> Bool { lhs.nanoseconds >= rhs.nanoseconds }
}

extension Duration {
    /// The duration in nanoseconds, rounded toward zero and clamped to the range of `Int64` (292 years).
    @inlinable package var wholeNanoseconds: Int64 { Int64(clamping: attoseconds / 1_000_000_000) }
}
