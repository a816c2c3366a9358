#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Stack {
    static func read(_ reader: inout JSONReader) throws(JSONError) -> Stack {
        var id: StackID?
        var organization: OrganizationID?
        var queue: String?
        var key: String?
        var type: String?
        var metadata: [String: String] = [:]
        var lastConnectedOn: Date?
        var state: String?
        let object = try reader.beginObject()
        while let name = try reader.nextKey() {
            switch name {
            case "id": id = try reader.optionalIdentifier()
            case "organization_uuid": organization = try reader.optionalIdentifier()
            case "cluster_queue_key": queue = try reader.stringOrNil()
            case "key": key = try reader.optionalString()
            case "type": type = try reader.optionalString()
            case "metadata": metadata = try reader.valueIfReadable(readMetadata) ?? [:]
            case "last_connected_on": lastConnectedOn = try reader.dateOrNil()
            case "state": state = try reader.optionalString()
            default: try reader.skip()
            }
        }
        return Stack(
            id: try id.required("id", in: object),
            organizationUUID: try organization.required("organization_uuid", in: object),
            clusterQueueKey: queue.map { QueueKey($0) },
            key: try key.required("key", in: object),
            type: StackType(rawValue: try type.required("type", in: object)),
            metadata: metadata,
            lastConnectedOn: lastConnectedOn,
            state: StackState(rawValue: try state.required("state", in: object))
        )
    }

    /// The metadata, without values that are not strings.
    private static func readMetadata(_ reader: inout JSONReader) throws(JSONError) -> [String: String] {
        var metadata: [String: String] = [:]
        try reader.beginObject()
        while let key = try reader.nextKey() {
            let name = key.string
            metadata[name] = try reader.stringOrNil()
        }
        return metadata
    }
}

/// The body of a registration.
enum RegisterRequest {
    static func encode(key: String, type: StackType, queue: QueueKey, metadata: [String: String]) -> [UInt8] {
        // Sorted, so that the same registration always has the same bytes.
        let metadata = metadata.sorted { $0.key < $1.key }
        var capacity = 64 + ByteWriter.size(key) + ByteWriter.size(type.rawValue) + ByteWriter.size(queue.rawValue)
        for (key, value) in metadata { capacity += ByteWriter.size(key) + ByteWriter.size(value) + 2 }
        return ByteWriter.bytes(capacity: capacity) { writer in
            writer.raw(#"{"key":"#)
            writer.string(key)
            writer.raw(#","type":"#)
            writer.string(type.rawValue)
            writer.raw(#","queue_key":"#)
            writer.string(queue.rawValue)
            writer.raw(#","metadata":{"#)
            for (index, (key, value)) in metadata.enumerated() {
                if index > 0 { writer.raw(",") }
                writer.string(key)
                writer.raw(":")
                writer.string(value)
            }
            writer.raw("}}")
        }
    }
}
