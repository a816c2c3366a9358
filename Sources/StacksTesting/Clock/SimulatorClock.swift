#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

/// Tells a ``StacksSimulator`` what time it is.
///
/// The simulator never waits: reservations, tokens and rate windows expire because the clock it was given says so.
public protocol SimulatorClock: Sendable {
    /// The time of day.
    var date: Date { get }
}

/// The machine's own time of day.
public struct SystemClock: SimulatorClock {
    /// The machine's clock.
    public init() {}

    /// The time of day now.
    public var date: Date { Date() }
}
