extension StacksClient {
    /// Reserves jobs for a stack, so that no other stack starts them. It is safe to repeat: that extends the
    /// reservation.
    ///
    /// More than 1000 jobs take several requests, some at the same time; see ``StacksResponse/failedBatches``.
    ///
    /// - Parameters:
    ///   - jobs: The jobs, at least one.
    ///   - stack: The stack's key.
    ///   - expiry: When the reservation expires, after 1 to 3600 whole seconds; the server's default when left out.
    ///   - options: Options of this call.
    /// - Returns: Which jobs are reserved and which are not, in the server's order. It is not an error when none is.
    /// - Throws: ``StacksAPIError``.
    public func reserveJobs(
        _ jobs: [JobID],
        stack: String,
        expiry: Duration? = nil,
        options: CallOptions = CallOptions()
    ) async throws -> StacksResponse<Reservation> {
        try Argument.check(stackKey: stack, jobs: jobs, for: .reserveJobs)
        let seconds = try Argument.seconds(reservationExpiry: expiry)
        return try await core.performForJobs(
            core.target(.reserveJobs, stack: stack), jobs: jobs, request: .reservations(expiry: seconds),
            options: options, decode: Reservation.read, joined: Reservation.joined)
    }
}

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

    static func joined(_ batches: [Reservation]) -> Reservation {
        Reservation(reserved: batches.flatMap(\.reserved), notReserved: batches.flatMap(\.notReserved))
    }
}

extension JobListRequest {
    /// A request for reservations that expire after so many seconds, or after the server's default.
    static func reservations(expiry seconds: Int?) -> JobListRequest {
        JobListRequest(secondsField: "reservation_expiry_seconds", seconds: seconds)
    }
}
