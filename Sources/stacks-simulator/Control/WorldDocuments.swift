import StacksTesting

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A queue in `GET queues`.
struct QueueDocument: Encodable {
    var key: String
    var paused: Bool
    var scheduled: Int

    init(_ queue: SimulatedQueue) {
        key = queue.key
        paused = queue.isPaused
        scheduled = queue.scheduledJobs
    }
}

/// A stack in `GET stacks`.
struct StackDocument: Encodable {
    var key: String
    var type: String
    var queue: String
    var metadata: [String: String]
    var registered: Bool
    var connected: Bool
    @Nullable var last_polled_at: Date?

    init(_ stack: SimulatedStack) {
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
}

/// `POST reset`.
struct ResetDocument: Decodable {
    var seed: Int?
}
