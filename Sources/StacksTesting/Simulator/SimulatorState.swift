#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Everything the simulator knows, as a value: a request and the time go in, an answer comes out.
///
/// ``StacksSimulator`` keeps the only copy behind its lock.
struct SimulatorState {
    struct OrganizationRecord {
        var settings: StacksSimulator.Organization
        var uuid: String
        var clusterUUID: String
        var token: String
        var tokenUUID: String
        var queues: [QueueRecord]
        var stacks: [String: StackRecord] = [:]
    }

    struct QueueRecord {
        var key: String
        var uuid: String
        var isPaused = false
        /// Jobs in the order of a listing. Those that are scheduled are all here; others stay until a listing meets
        /// them.
        var jobs: [Int] = []
    }

    struct StackRecord {
        var uuid: String
        var type: String
        var queue: Int
        var metadata: [(String, String)]
        var registeredAt: Date
        var lastPolledAt: Date?
        var isRegistered = true
    }

    struct WindowKey: Hashable {
        var organization: Int
        var stack: String
        var scope: String
    }

    var configuration: StacksSimulator.Configuration
    var generator: SeededGenerator
    /// Chances of faults come from a sequence of their own, so that telling a fault does not change the UUIDs.
    var chance: SeededGenerator
    var organizations: [OrganizationRecord] = []
    var jobs: [JobRecord] = []
    var jobIndexes: [String: Int] = [:]
    var tokens: [String: TokenRecord] = [:]
    var reservedJobs: Set<Int> = []
    /// No reservation ends before this; a lower bound, so that most requests need not look.
    var nextReservationExpiry = Date.distantFuture
    var windows: [WindowKey: RateWindow] = [:]
    var faults: [FaultRecord] = []
    var counts = RequestCounts()

    init(configuration: StacksSimulator.Configuration) {
        self.configuration = configuration
        generator = SeededGenerator(seed: configuration.seed)
        chance = SeededGenerator(seed: ~configuration.seed)
        for settings in configuration.organizations {
            let (uuid, clusterUUID, tokenUUID) = (generator.uuid(), generator.uuid(), generator.uuid())
            let token = settings.token ?? generator.token(prefix: "bkct_")
            let queues = (settings.queues.isEmpty ? ["default"] : settings.queues)
                .map { QueueRecord(key: $0, uuid: generator.uuid()) }
            organizations.append(
                OrganizationRecord(
                    settings: settings, uuid: uuid, clusterUUID: clusterUUID, token: token, tokenUUID: tokenUUID,
                    queues: queues
                )
            )
        }
    }

    /// The index of a queue, by its key or one of the two names of the default one.
    func queue(_ key: String, organization: Int) -> Int? {
        if key == "_default" || key == "__default__" { return 0 }
        return organizations[organization].queues.firstIndex { $0.key == key }
    }

    /// The index of the organisation called `slug`; the first one for `nil`.
    func organization(_ slug: String?) -> Int? {
        guard let slug else { return organizations.isEmpty ? nil : 0 }
        return organizations.firstIndex { $0.settings.slug == slug }
    }
}

/// How many requests there were.
struct RequestCounts {
    var byOperation: [SimulatedOperation: Int] = [:]
    var byStatus: [Int: Int] = [:]
    var rateLimited: [SimulatedOperation: Int] = [:]
    var faults = 0
}
