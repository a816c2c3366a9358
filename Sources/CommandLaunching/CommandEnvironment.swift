import StacksAPI
import StacksController

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif
#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The variables that commands get.
struct CommandEnvironment: Sendable {
    /// Where the controller's own credential may be; the first is where a job's goes.
    private static let credentials = ["BUILDKITE_AGENT_TOKEN", "BUILDKITE_CLUSTER_TOKEN"]
    /// Shorter ones may be part of something else by chance.
    private static let shortestPart = 8

    private let inheritance: CommandLauncher.Configuration.Inheritance
    private let changes: [String: String?]
    private let secrets: [String]

    init(_ configuration: CommandLauncher.Configuration) {
        inheritance = configuration.inheritance
        changes = configuration.environment
        let own = Self.credentials.compactMap { name in getenv(name).map { String(cString: $0) } }
        secrets = (configuration.secrets.map(\.value) + own).filter { !$0.isEmpty }
    }

    /// All of them, for one job.
    ///
    /// - Throws: ``CommandLaunchError`` when a value cannot be a variable's, because it holds a zero byte.
    func variables(for job: LaunchedJob) throws -> [String: String] {
        var variables = inherited.filter { !isSecret($0.value) }
        for (name, value) in changes { variables[name] = value }
        for name in Self.credentials { variables[name] = nil }
        variables["BUILDKITE_AGENT_TOKEN"] = job.acquisitionToken.value
        variables["BUILDKITE_AGENT_ACQUIRE_JOB"] = job.id.description
        // In the order of their names, so that it is the same one that is named.
        if let name = variables.keys.sorted().first(where: { name in
            name.utf8.contains(0) || variables[name]?.utf8.contains(0) == true
        }) {
            throw CommandLaunchError(description: "The variable \(name) of the command would hold a zero byte")
        }
        return variables
    }

    private var inherited: [String: String] {
        switch inheritance {
        case .everything: return ProcessInfo.processInfo.environment
        case .only(let names):
            return names.reduce(into: [:]) { variables, name in
                guard let value = getenv(name) else { return }
                variables[name] = String(cString: value)
            }
        }
    }

    private func isSecret(_ value: String) -> Bool {
        secrets.contains { secret in
            value == secret || (secret.utf8.count >= Self.shortestPart && value.contains(secret))
        }
    }
}
