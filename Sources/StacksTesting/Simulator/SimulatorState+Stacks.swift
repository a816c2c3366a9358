import HTTPTypes

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension SimulatorState {
    mutating func registerStack(_ admission: Admission) throws(Refusal) -> Reply {
        let body = try RequestBody.decode(RequestBody.Register.self, from: admission.body)
        let (organization, now) = (admission.organization, admission.now)
        try Self.check(key: body.key)
        guard ["custom", "kubernetes", "elastic"].contains(body.type) else {
            throw .invalid("type must be custom, kubernetes or elastic.")
        }
        try Self.check(metadata: body.metadata)
        guard let queue = queue(body.queue_key, organization: organization) else {
            throw .notFound("No queue has the key \"\(body.queue_key)\".")
        }
        let existing = organizations[organization].stacks[body.key]
        if existing?.isRegistered != true {
            let registered = organizations[organization].stacks.values.count { $0.isRegistered }
            guard registered < organizations[organization].settings.stackLimit else {
                throw Refusal(
                    status: .forbidden, message: "The organization has reached its limit of \(registered) stacks.")
            }
        }
        var stack =
            existing ?? StackRecord(uuid: generator.uuid(), type: "", queue: queue, metadata: [], registeredAt: now)
        let isNew = existing?.isRegistered != true
        stack.type = body.type
        stack.queue = queue
        stack.metadata = body.metadata.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        stack.registeredAt = now
        stack.isRegistered = true
        organizations[organization].stacks[body.key] = stack
        let members = describe(stack, key: body.key, organization: organization, at: now)
        return isNew ? .created(members) : .ok(members)
    }

    /// Idempotent: repeating it gives the same response.
    mutating func deregisterStack(_ admission: Admission) throws(Refusal) -> Reply {
        organizations[admission.organization].stacks[admission.route.stack]?.isRegistered = false
        return .noContent
    }

    func tokenIdentity(_ admission: Admission) throws(Refusal) -> Reply {
        let organization = organizations[admission.organization]
        let isClustered = organization.settings.isClustered
        return .ok([
            ("uuid", .string(admission.tokenUUID)), ("description", .string("Simulated agent token")),
            ("token_type", .string(isClustered ? "cluster" : "unclustered")),
            ("organization_slug", .string(organization.settings.slug)),
            ("organization_uuid", .string(organization.uuid)),
            ("cluster_uuid", .string(isClustered ? organization.clusterUUID : "")),
            ("cluster_name", isClustered ? .string("Simulated cluster") : .null),
            ("organization_queue_uuid", .string(organization.queues[0].uuid)),
            ("organization_queue_key", .string(organization.queues[0].key)),
        ])
    }

    private func describe(
        _ stack: StackRecord, key: String, organization: Int, at now: Date
    ) -> [(String, JSONText)] {
        [
            ("id", .string(stack.uuid)), ("organization_uuid", .string(organizations[organization].uuid)),
            ("cluster_queue_key", .string(organizations[organization].queues[stack.queue].key)),
            ("key", .string(key)), ("type", .string(stack.type)),
            ("metadata", .object(stack.metadata.map { ($0.0, .string($0.1)) })),
            ("last_connected_on", .optional(stack.lastPolledAt?.iso8601)),
            ("state", .string(stack.isConnected(at: now) ? "connected" : "disconnected")),
        ]
    }

    private static func check(key: String) throws(Refusal) {
        guard (1...80).contains(key.utf8.count) else {
            throw .invalid("key has \(key.utf8.count) characters; it must have 1 to 80.")
        }
        let isAllowed = key.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"): true
            default: false
            }
        }
        guard isAllowed else { throw .invalid("key must contain only letters, digits, _ and -.") }
    }

    private static func check(metadata: [String: String]) throws(Refusal) {
        guard metadata.count <= 100 else {
            throw .invalid("metadata has \(metadata.count) keys; it must have at most 100.")
        }
        for (key, value) in metadata {
            // Characters are Unicode scalars, as in a notification's detail.
            guard key.unicodeScalars.count <= 64 else {
                throw .invalid("metadata keys must have at most 64 characters.")
            }
            guard value.unicodeScalars.count <= 256 else {
                throw .invalid("metadata values must have at most 256 characters.")
            }
        }
    }
}

extension SimulatorState.StackRecord {
    /// Whether it has registered or polled during the last 30 seconds.
    func isConnected(at now: Date) -> Bool {
        let lastSeen = lastPolledAt.map { max(registeredAt, $0) } ?? registeredAt
        return isRegistered && now.timeIntervalSince(lastSeen) < 30.5
    }
}
