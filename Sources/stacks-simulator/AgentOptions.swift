import ArgumentParser
import StacksTesting

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What agents are told, and which of them the simulator plays.
struct AgentOptions: ParsableArguments {
    private typealias Agents = StacksSimulator.Configuration.Agents
    private typealias Playing = StacksSimulator.Configuration.Agents.Playing

    @Option(
        name: .customLong("ping-interval"), parsing: .unconditional,
        help: "How often agents are told to ask what to do, in seconds.")
    var pingInterval = Agents().pingInterval.wholeSeconds

    @Option(
        name: .customLong("job-status-interval"), parsing: .unconditional,
        help: "How often agents are told to look whether their job was cancelled, in seconds.")
    var jobStatusInterval = Agents().jobStatusInterval.wholeSeconds

    @Option(
        name: .customLong("heartbeat-interval"), parsing: .unconditional,
        help: "How often agents are told to send a heartbeat, in seconds.")
    var heartbeatInterval = Agents().heartbeatInterval.wholeSeconds

    @Option(
        name: .customLong("agent-lost-after"), parsing: .unconditional,
        help: "The seconds without a heartbeat after which an agent is lost.")
    var agentLostAfter = Agents().lostAfter.wholeSeconds

    @Option(
        name: .customLong("play-jobs"),
        help: """
            Play the agents of jobs: never, as soon as a job is reserved, or as soon as a token was issued for it (never, \
            reserved, launched). (default: never)
            """, completion: .list(Playing.allCases.map(\.rawValue)),
        transform: { text in
            guard let playing = Playing(rawValue: text) else {
                throw ValidationError("It must be one of \(Playing.allCases.map(\.rawValue).joined(separator: ", ")).")
            }
            return playing
        })
    var playJobs = StacksSimulator.Configuration.Agents.Playing.never

    @Option(
        name: .customLong("job-script"),
        help: ArgumentHelp(
            "How each initial job runs, as the script of POST jobs: '{\"seconds\": 30, \"exit_status\": 1}'.",
            valueName: "json"),
        transform: { text in
            do throws(ControlFailure) { return try ScriptDocument.read(text) } catch {
                throw ValidationError(error.message)
            }
        })
    var jobScript: ScriptDocument?

    func validate() throws {
        let limits: [(String, Int, ClosedRange<Int>)] = [
            ("--ping-interval", pingInterval, Agents.intervalSeconds),
            ("--job-status-interval", jobStatusInterval, Agents.intervalSeconds),
            ("--heartbeat-interval", heartbeatInterval, Agents.intervalSeconds),
            ("--agent-lost-after", agentLostAfter, Agents.lostAfterSeconds),
        ]
        for (name, value, range) in limits where !range.contains(value) {
            throw ValidationError("\(name) must be between \(range.lowerBound) and \(range.upperBound), not \(value).")
        }
        guard agentLostAfter > heartbeatInterval else {
            throw ValidationError(
                "--agent-lost-after is \(agentLostAfter); it must be longer than --heartbeat-interval, which is "
                    + "\(heartbeatInterval).")
        }
    }

    var settings: StacksSimulator.Configuration.Agents {
        var agents = Agents()
        agents.pingInterval = .seconds(pingInterval)
        agents.jobStatusInterval = .seconds(jobStatusInterval)
        agents.heartbeatInterval = .seconds(heartbeatInterval)
        agents.lostAfter = .seconds(agentLostAfter)
        agents.playing = playJobs
        return agents
    }
}
