import StacksTesting

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// An agent in `GET agents`.
struct AgentDocument: Codable {
    var id: String
    var name: String
    var organization: String
    var job: String
    var state: String
    var version: String
    var hostname: String
    var os: String
    var tags: [String]
    var registered_at: Date
    var last_seen_at: Date
    var heartbeats: Int

    init(_ agent: RegisteredAgent) {
        id = agent.id
        name = agent.name
        organization = agent.organization
        job = agent.job
        state = agent.state.rawValue
        version = agent.version
        hostname = agent.hostname
        os = agent.os
        tags = agent.tags
        registered_at = agent.registeredAt
        last_seen_at = agent.lastSeenAt
        heartbeats = agent.heartbeats
    }
}
