#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

/// Provides the time of day to a ``StacksSimulator``.
///
/// The simulator never waits: reservations, tokens and rate-limit windows expire by this clock.
public protocol SimulatorClock: Sendable {
    /// The time of day.
    var date: Date { get }
}

/// The system's time of day.
public struct SystemClock: SimulatorClock {
    /// Creates a system clock.
    public init() {}

    /// The current time of day.
    public var date: Date { Date() }
}
