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
    /// Variables with the controller's own credential. The first one holds the job's token in a command.
    private static let credentials = ["BUILDKITE_AGENT_TOKEN", "BUILDKITE_CLUSTER_TOKEN"]
    /// A shorter secret can be part of a value by chance.
    private static let shortestPart = 8
    /// What is left free of the system's limit on arguments and environment, in bytes: for what a shell adds, and for an
    /// interpreter.
    private static let reserve = 8 << 10

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
    /// What is said of the job comes last: its names are not for others to set, and it may not keep the job from being
    /// launched by taking more than the system's limit leaves.
    ///
    /// - Parameters:
    ///   - file: The path of the file about the job.
    ///   - arguments: What the process is started with.
    /// - Throws: ``CommandLaunchError`` when a value cannot be a variable's, because it holds a zero byte.
    func variables(for job: LaunchedJob, file: String, arguments: [String]) throws -> [String: String] {
        var variables = inherited.filter { !isSecret($0.value) }
        for (name, value) in changes { variables[name] = value }
        for name in Self.credentials { variables[name] = nil }
        variables = variables.filter { !$0.key.hasPrefix(JobVariables.prefix) }
        variables["BUILDKITE_AGENT_TOKEN"] = job.acquisitionToken.value
        variables["BUILDKITE_AGENT_ACQUIRE_JOB"] = job.id.description
        // In the order of their names, so that the same one is named each time.
        if let name = variables.keys.sorted().first(where: { name in
            name.utf8.contains(0) || variables[name]?.utf8.contains(0) == true
        }) {
            throw CommandLaunchError(description: "The variable \(name) of the command would hold a zero byte")
        }
        let taken =
            variables.reduce(Self.reserve) { $0 + JobVariables.size($1.key, $1.value) }
            + arguments.reduce(0) { $0 + JobVariables.size("", $1) }
        let ofJob = JobVariables(job, file: file).fitting(in: Self.systemLimit - taken)
        return variables.merging(ofJob) { _, ofJob in ofJob }
    }

    /// How much the system gives arguments and environment of a command together, in bytes.
    private static var systemLimit: Int {
        // Linux gives a quarter of the stack's limit, and 6 MiB at most (execve(2)).
        min(sysconf(Int32(_SC_ARG_MAX)), 6 << 20)
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
