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

extension Reservation {
    static func read(_ reader: inout JSONReader) throws(JSONError) -> Reservation {
        var reserved: [JobID]?
        var notReserved: [JobID] = []
        let object = try reader.beginObject()
        while let name = try reader.nextKey() {
            switch name {
            case "reserved": reserved = try reader.identifiers() ?? []
            case "not_reserved": notReserved = try reader.identifiers() ?? []
            default: try reader.skip()
            }
        }
        return Reservation(reserved: try reserved.required("reserved", in: object), notReserved: notReserved)
    }
}

extension JobListRequest {
    /// Asks for reservations that hold for so many seconds, or as long as the server likes.
    static func reservations(expiry seconds: Int?) -> JobListRequest {
        JobListRequest(field: #","reservation_expiry_seconds":"#, seconds: seconds)
    }
}
