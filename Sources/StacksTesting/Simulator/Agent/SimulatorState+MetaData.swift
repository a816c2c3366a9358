import HTTPTypes

/// The meta-data of a build. A job's path and its build's mean the same.
extension SimulatorState {
    private static let keyLimit = 255
    private static let valueLimit = 100 << 10

    mutating func setMetaData(_ call: JobCall) throws(Refusal) -> Reply {
        let item = try RequestBody.decode(RequestBody.MetaDataItem.self, from: call.call.body)
        try set([item], named: "", call)
        return .ok([("key", .string(item.key)), ("value", .string(item.value ?? ""))])
    }

    /// Sets all values, or none if one is refused.
    mutating func setMetaDataBatch(_ call: JobCall) throws(Refusal) -> Reply {
        let items = try RequestBody.decode(RequestBody.MetaDataBatch.self, from: call.call.body).items
        try RequestBody.check(items.count, named: "items", atMost: 1000)
        try set(items, named: "items.", call)
        return .ok([("count", .integer(items.count))])
    }

    private mutating func set(_ items: [RequestBody.MetaDataItem], named name: String, _ call: JobCall) throws(Refusal)
    {
        var values: [String: String] = [:]
        for (index, item) in items.enumerated() {
            let place = name.isEmpty ? "" : "\(name)\(index)."
            guard !item.key.isEmpty else { throw .invalid("\(place)key must not be empty.") }
            try RequestBody.check(item.key, named: "\(place)key", atMost: Self.keyLimit)
            try RequestBody.check(item.value, named: "\(place)value", atMost: Self.valueLimit)
            values[item.key] = item.value ?? ""
        }
        let build = jobs[call.job].build
        // What is kept afterwards, before anything is set.
        var (size, oldSize) = (0, 0)
        for (key, value) in values {
            size += BuildRecord.size(key.utf8.count + value.utf8.count)
            if let old = builds[build]?.metaData[key] { oldSize += BuildRecord.size(key.utf8.count + old.utf8.count) }
        }
        try builds[build, default: BuildRecord()]
            .makeRoom(for: size, insteadOf: oldSize, limit: configuration.agents.buildDataLimit)
        for (key, value) in values { builds[build]?.metaData[key] = value }
    }

    func getMetaData(_ call: JobCall) throws(Refusal) -> Reply {
        let key = try requireKey(call)
        guard let value = builds[jobs[call.job].build]?.metaData[key] else {
            throw .notFound("The build has no meta-data \"\(key)\".")
        }
        return .ok([("key", .string(key)), ("value", .string(value))])
    }

    func metaDataExists(_ call: JobCall) throws(Refusal) -> Reply {
        let key = try requireKey(call)
        return .ok([("exists", .bool(builds[jobs[call.job].build]?.metaData[key] != nil))])
    }

    func metaDataKeys(_ call: JobCall) -> Reply {
        let keys = builds[jobs[call.job].build]?.metaData.keys.sorted() ?? []
        return Reply(status: .ok, body: .strings(keys))
    }

    private func requireKey(_ call: JobCall) throws(Refusal) -> String {
        let key = try RequestBody.decode(RequestBody.MetaDataKey.self, from: call.call.body).key
        try RequestBody.check(key, named: "key", atMost: Self.keyLimit)
        return key
    }
}
