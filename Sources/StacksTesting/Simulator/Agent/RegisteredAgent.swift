#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

/// An agent that has registered with a job acquisition token.
public struct RegisteredAgent: Sendable, Hashable {
    /// Whether an agent is there.
    public enum State: String, Sendable, Hashable, CaseIterable {
        /// It has its access token, and has not connected yet.
        case registered
        /// It has connected.
        case connected
        /// It has left.
        case disconnected
        /// Its heartbeats have stopped.
        case lost
    }

    /// The UUID.
    public internal(set) var id: String
    /// The name that the simulator gave it, from the one that it asked for.
    public internal(set) var name: String
    /// The slug of the organization of its job.
    public internal(set) var organization: String
    /// The UUID of the job for which it registered.
    public internal(set) var job: String
    /// Whether it is there.
    public internal(set) var state = State.registered
    /// Its version, as `3.137.0`.
    public internal(set) var version: String
    /// The name of its machine.
    public internal(set) var hostname: String
    /// Its operating system.
    public internal(set) var os: String
    /// Its tags, as `queue=mac`.
    public internal(set) var tags: [String]
    /// When it registered.
    public internal(set) var registeredAt: Date
    /// When it last registered, connected, pinged or sent a heartbeat. One that the simulator plays sends none, and is seen
    /// until it is gone.
    public internal(set) var lastSeenAt: Date
    /// Heartbeats so far.
    public internal(set) var heartbeats = 0
    /// Whether it was asked to stop.
    public internal(set) var isStopping = false
    /// Until when it takes no jobs, or `nil` when it is not paused.
    public internal(set) var pausedUntil: Date?
}

/// The simulator's state of an agent.
struct AgentRecord {
    var agent: RegisteredAgent
    var job: Int
    var accessToken: String
    var acquisitionToken: String
    /// Whether the simulator plays it.
    var isPlayed = false

    var isLive: Bool {
        switch agent.state {
        case .registered, .connected: true
        case .disconnected, .lost: false
        }
    }
}

extension StacksSimulator {
    /// The agents that have registered, in that order.
    public var agents: [RegisteredAgent] { agents(.all) }
}

extension SimulatorState {
    /// The agent as others see it: one that is played is seen until it is gone.
    func shownAgent(_ index: Int, at now: Date) -> RegisteredAgent {
        let record = agents[index]
        var agent = record.agent
        if record.isPlayed, plays[record.job] != nil, record.isLive { agent.lastSeenAt = now }
        return agent
    }
}
