/// Which of the requested jobs are reserved.
///
/// When a reservation expires, the job is scheduled again. Reserving again extends it.
public struct Reservation: Sendable, Hashable {
    /// The jobs that this stack has reserved.
    public var reserved: [JobID]
    /// The jobs that it could not reserve: another stack was faster, or they are no longer scheduled.
    public var notReserved: [JobID]

    /// The result of a reservation.
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
            case "not_reserved": notReserved = try reader.identifiersOrEmpty()
            default: try reader.skip()
            }
        }
        return Reservation(reserved: try reserved.required("reserved", in: object), notReserved: notReserved)
    }
}

extension JobListRequest {
    /// A request for reservations that expire after so many seconds, or after the server's default.
    static func reservations(expiry seconds: Int?) -> JobListRequest {
        JobListRequest(field: #","reservation_expiry_seconds":"#, seconds: seconds)
    }
}
