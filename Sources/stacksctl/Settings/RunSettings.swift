import CommandLaunching
import StacksAPI
import StacksController

/// Everything that `run` is told: by its options, the environment and the configuration file.
struct RunSettings {
    /// What is about the connection and the log.
    var global: GlobalOptions
    /// Where the status is served.
    var listening: ListenOptions
    /// How many slots the stacks share; `nil` for no limit beside their own.
    var slots: Int?
    /// What `permanent-failure-exit-status` can be.
    static let permanentFailureExitStatuses = 1...255
    /// The size of the pool that the stacks share.
    var poolSize: Int { slots ?? SlotPool.maximumSlots }
    var tokenFile: String?
    var stateDirectory: String?
    var jobLogs: String?
    /// One of ``permanentFailureExitStatuses``.
    var permanentFailureExitStatus = 1
    var stacks: [StackRunSettings] = []
    /// What is set for the whole process, as it was written, to see whether it has changed.
    var written: [String: SettingNode] = [:]
}

/// What one stack of a run is told.
struct StackRunSettings {
    var controller: StackController.Configuration
    var launcher = CommandLauncher.Configuration()
    var command: [String] = []
    /// What is set for the stack, as it was written, to see whether it has changed.
    var written: [String: SettingNode] = [:]
    /// Where the stack stands in the file.
    var place: SettingNode.Place?

    init(key: String = "", queue: QueueKey = .default) {
        controller = StackController.Configuration(stackKey: key, queue: queue)
        controller.metadata = ["version": StacksAPIVersion.current]
    }

    /// Whether `other` has the same values, wherever they stand.
    func isEqual(to other: StackRunSettings) -> Bool { written.isEqual(to: other.written) }
}

extension [String: SettingNode] {
    func isEqual(to other: Self) -> Bool { differences(from: other).isEmpty }

    /// The keys whose values are not the same.
    func differences(from other: Self) -> [String] {
        Set(keys).union(other.keys).filter { key in
            guard let one = self[key], let two = other[key] else { return true }
            return !one.isEqual(to: two)
        }.sorted()
    }
}
