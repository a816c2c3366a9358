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
