import StacksTesting

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A queue in `GET queues`.
struct QueueDocument: Codable {
    var organization: String
    var key: String
    var paused: Bool
    var scheduled: Int

    init(_ queue: SimulatedQueue) {
        organization = queue.organization
        key = queue.key
        paused = queue.isPaused
        scheduled = queue.scheduledJobs
    }
}

/// A stack in `GET stacks`.
struct StackDocument: Codable {
    var organization: String
    var key: String
    var type: String
    var queue: String
    var metadata: [String: String]
    var registered: Bool
    var connected: Bool
    @Nullable var last_polled_at: Date?

    init(_ stack: SimulatedStack) {
        organization = stack.organization
        key = stack.key
        type = stack.type
        queue = stack.queue
        metadata = stack.metadata
        registered = stack.isRegistered
        connected = stack.isConnected
        last_polled_at = stack.lastPolledAt
    }
}

/// `POST queues`.
struct NewQueueDocument: Decodable {
    var key: String
    var organization: String?
}

/// What names an organization, and nothing else.
struct OrganizationChoice: Decodable {
    var organization: String?
}

/// An organization in `GET organizations`.
struct OrganizationDocument: Codable {
    var slug: String
    var available: Bool
    var queues: [String]
    var stacks: Int

    init(_ organization: SimulatedOrganization) {
        slug = organization.slug
        available = !organization.isUnavailable
        queues = organization.queues
        stacks = organization.registeredStacks
    }
}

/// `POST reset`.
struct ResetDocument: Decodable {
    var seed: Int?
}
