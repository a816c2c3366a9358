#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The state of the simulator, a value: a request and the time determine the response.
///
/// ``StacksSimulator`` holds the only copy behind its lock.
struct SimulatorState {
    struct OrganizationRecord {
        var settings: StacksSimulator.Organization
        var uuid: String
        var clusterUUID: String
        var token: String
        var queues: [QueueRecord]
        /// The queues by their keys.
        var queueIndexes: [String: Int] = [:]
        var stacks: [String: StackRecord] = [:]
    }

    struct AgentToken {
        var organization: Int
        var uuid: String
        var expiresAt: Date?
    }

    struct QueueRecord {
        var key: String
        var uuid: String
        var isPaused = false
        /// Jobs in the order of a listing. With ``returnedJobs``, it contains all scheduled jobs, and others until a listing
        /// removes them.
        var jobs: [Int] = []
        /// Jobs that a listing merges into ``jobs``.
        var returnedJobs: [Int] = []
        /// How many of all its jobs are in each state.
        var jobCounts: [SimulatedJob.State: Int] = [:]
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
    /// The generator for faults, separate so that adding a fault does not change the UUIDs.
    var chance: SeededGenerator
    /// The generator for arrivals, separate for the same reason.
    var arrivalChance: SeededGenerator
    /// The jobs that are still to arrive.
    var arrivals = PendingArrivals()
    var organizations: [OrganizationRecord] = []
    /// The agent tokens, of each organization at least one.
    var agentTokens: [String: AgentToken] = [:]
    var jobs: [JobRecord] = []
    var jobIndexes: [String: Int] = [:]
    /// The jobs by their last events.
    var lastEvents = LastEvents()
    var tokens: [String: TokenRecord] = [:]
    /// When the reservations expire, by the indexes of their jobs.
    var reservationExpiries = Deadlines()
    /// The agents that registered, in that order.
    var agents: [AgentRecord] = []
    /// The agents by their access tokens.
    var accessTokens: [String: Int] = [:]
    /// The agents that are there: they have registered, or the simulator plays them, and have neither left nor been lost.
    var liveAgents: Set<Int> = []
    /// When agents whose heartbeats are awaited are lost, by their indexes.
    var agentLosses = Deadlines()
    /// The agents that the simulator plays, by the indexes of their jobs.
    var plays: [Int: Play] = [:]
    /// What played agents do next.
    var playSteps = Schedule<PlayStep>()
    /// The number of the next step.
    var nextPlayStep = 0
    /// What jobs have stored, by their builds.
    var builds: [BuildKey: BuildRecord] = [:]
    /// The builds of batches of artifacts.
    var artifactBatches: [String: BuildKey] = [:]
    var windows: [WindowKey: RateWindow] = [:]
    var faults: [FaultRecord] = []
    /// How many faults there have been.
    var faultCount = 0
    var counts = RequestCounts()
    /// The same of the requests of each organization.
    var organizationCounts: [Int: RequestCounts] = [:]
    /// The sequence numbers of the parts of logs that have not been looked through for tokens yet, by the indexes of the
    /// jobs.
    var grownLogs: [Int: [Int]] = [:]
    /// How many bytes of logs have been looked through.
    var searchedLogBytes = 0
    /// The tokens that were found in logs, by the indexes of their jobs.
    var tokensInLogs: [Int: [MisplacedToken]] = [:]
    var journal: RequestJournal
    /// How the tokens look that the journal must not have.
    var tokenPatterns = TokenPatterns(tokens: [])
    /// What the operation that is being performed says of itself, for the journal.
    var notes = RequestNotes()

    init(configuration: StacksSimulator.Configuration) {
        self.configuration = configuration
        journal = RequestJournal(limit: configuration.journalLimit)
        generator = SeededGenerator(seed: configuration.seed)
        chance = SeededGenerator(seed: ~configuration.seed)
        arrivalChance = SeededGenerator(seed: configuration.seed &+ 0x5EED)
        for settings in configuration.organizations {
            let (uuid, clusterUUID, tokenUUID) = (generator.uuid(), generator.uuid(), generator.uuid())
            let token = settings.token ?? generator.token(prefix: "bkct_")
            let queues = (settings.queues.isEmpty ? ["default"] : settings.queues)
                .map { QueueRecord(key: $0, uuid: generator.uuid()) }
            let organization = organizations.count
            var record = OrganizationRecord(
                settings: settings, uuid: uuid, clusterUUID: clusterUUID, token: token, queues: queues)
            for (index, queue) in queues.enumerated() where record.queueIndexes[queue.key] == nil {
                record.queueIndexes[queue.key] = index
            }
            organizations.append(record)
            let issued =
                [(token, tokenUUID, settings.tokenExpiresAt)] + settings.moreTokens.map { ($0, generator.uuid(), nil) }
            for (token, uuid, expiry) in issued where agentTokens[token] == nil {
                agentTokens[token] = AgentToken(organization: organization, uuid: uuid, expiresAt: expiry)
            }
        }
        tokenPatterns = TokenPatterns(tokens: Array(agentTokens.keys))
    }

    /// The index of a queue, by its key or an alias of the default queue.
    func queue(_ key: String, organization: Int) -> Int? {
        if key == "_default" || key == "__default__" { return 0 }
        return organizations[organization].queueIndexes[key]
    }

    /// The index of the organization with a slug; the first one for `nil`.
    func organization(_ slug: String?) -> Int? {
        guard let slug else { return organizations.isEmpty ? nil : 0 }
        return organizations.firstIndex { $0.settings.slug == slug }
    }
}
