extension NotificationResult {
    static func read(_ reader: inout JSONReader) throws(JSONError) -> NotificationResult {
        var result = NotificationResult()
        try reader.beginObject()
        while let name = try reader.nextKey() {
            switch name {
            case "errors": result.failures = try readFailures(&reader)
            default: try reader.skip()
            }
        }
        return result
    }

    private static func readFailures(_ reader: inout JSONReader) throws(JSONError) -> [NotificationFailure] {
        if try reader.null() { return [] }
        var failures: [NotificationFailure] = []
        try reader.beginArray()
        while try reader.nextElement() {
            var failure = NotificationFailure(error: "", indexes: [])
            try reader.beginObject()
            while let name = try reader.nextKey() {
                switch name {
                case "error": failure.error = try reader.optionalString() ?? ""
                case "indexes": failure.indexes = try reader.ints()
                default: try reader.skip()
                }
            }
            failures.append(failure)
        }
        return failures
    }
}

/// The body of up to 1000 notifications.
enum NotificationsRequest {
    static func encode(_ notifications: ArraySlice<JobNotification>) -> [UInt8] {
        let items = notifications.map { ($0, timestamp: $0.timestamp.flatMap { ISO8601.text($0) }) }
        var capacity = 24
        for (item, timestamp) in items {
            capacity += 32 + JSONWriter.size(item.job) + JSONWriter.size(item.detail)
            if let timestamp { capacity += 16 + JSONWriter.size(timestamp) }
        }
        return JSONWriter.bytes(capacity: capacity) { writer in
            writer.raw(#"{"notifications":["#)
            for (index, (item, timestamp)) in items.enumerated() {
                writer.raw(index == 0 ? #"{"job_uuid":"# : #",{"job_uuid":"#)
                writer.identifier(item.job)
                writer.raw(#","detail":"#)
                writer.string(item.detail)
                if let timestamp {
                    writer.raw(#","timestamp":"#)
                    writer.string(timestamp)
                }
                writer.raw("}")
            }
            writer.raw("]}")
        }
    }
}
