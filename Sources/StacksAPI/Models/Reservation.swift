/// Which of the jobs that were asked for are now reserved.
///
/// A reservation ends after its expiry; the job is scheduled again then. Reserving once more extends it.
public struct Reservation: Sendable, Hashable {
    /// The jobs that this stack holds now.
    public var reserved: [JobID]
    /// The jobs that it did not get: another stack was faster, or they are no longer scheduled.
    public var notReserved: [JobID]

    /// The outcome of a reservation.
    public init(reserved: [JobID], notReserved: [JobID] = []) {
        self.reserved = reserved
        self.notReserved = notReserved
    }
}
