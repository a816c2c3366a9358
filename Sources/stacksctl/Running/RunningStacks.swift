import CommandLaunching
import Logging
import StacksAPI
import StacksController
import StacksTransport
import Synchronization

/// The stacks of a run: it makes their controllers and launchers, and changes them when the settings change.
///
/// It owns the fleet. Settings are applied one after the other.
final class RunningStacks: Sendable {
    /// What all stacks have in common.
    struct Surroundings: Sendable {
        var client: StacksClient
        var endpoint: Endpoint
        var logger: Logger
        /// Is told of what happens, if somebody can ask for it.
        var observation: RunObservation?
        /// Takes the commands' output, if it is to be shown on a terminal.
        var output: CommandOutput?
        var descriptorLimit: UInt?
        var isOnce = false
        var isDryRun = false
        /// Whether a status line replaces what a controller logs of its status.
        var showsStatus = false
    }

    struct Stack {
        var settings: StackRunSettings
        let controller: StackController
        let launcher: StackLauncher

        func report(isDryRun: Bool) -> StackReport {
            StackReport(
                stack: controller.stackKey, queue: controller.queue.rawValue, totals: controller.status.totals,
                isDryRun: isDryRun, dispatchLatencies: launcher.dispatchLatencies)
        }
    }

    /// `nil` for a single stack without a file, whose slots are its own.
    let slots: SlotPool?
    let fleet: StackFleet
    private let surroundings: Surroundings
    private let stacks: Mutex<[Stack]>
    /// Those that were removed, or others have taken the place of.
    private let former: Mutex<FormerStacks>

    /// - Throws: ``SettingsError`` with what is wrong with each stack; `ConfigurationError`.
    init(_ settings: RunSettings, in surroundings: Surroundings, sharesSlots: Bool) throws {
        self.surroundings = surroundings
        former = Mutex(FormerStacks(isDryRun: surroundings.isDryRun))
        slots = try sharesSlots ? SlotPool(slots: settings.poolSize) : nil
        let made = try settings.stacks.map { [slots] in try Self.stack($0, settings, in: surroundings, slots) }
        stacks = Mutex(made)
        fleet = try StackFleet(made.map(\.controller), logger: surroundings.logger)
    }

    /// What each stack that the run has had has done, and how fast: for the summary.
    var reports: [StackReport] {
        let present = stacks.withLock { $0 }.map { $0.report(isDryRun: surroundings.isDryRun) }
        let all = (former.withLock(\.reports) + present).reduce(into: []) { $0.add($1) }
        let keys = present.map(\.stack)
        return keys.compactMap { key in all.first { $0.stack == key } } + all.filter { !keys.contains($0.stack) }
    }

    // MARK: Changing

    /// Makes the stacks what the settings say: some come, some drain, some change. Jobs that run stay.
    ///
    /// - Returns: What has changed, a line for each stack.
    /// - Throws: `ConfigurationError`, `StacksAPIError` when a stack cannot be as it is to be. Then nothing has changed.
    func apply(_ settings: RunSettings) throws -> [String] {
        try stacks.withLock { stacks in
            var (next, changes, apply): ([Stack], [String], [() throws -> Void]) = ([], [], [])
            let wanted = Set(settings.stacks.map(\.controller.stackKey))
            for stack in stacks where !wanted.contains(stack.controller.stackKey) {
                changes.append("\(stack.controller.stackKey) drains")
                apply.append { [fleet] in fleet.remove(stack.controller.stackKey) }
            }
            for wanted in settings.stacks {
                let key = wanted.controller.stackKey
                guard var stack = stacks.first(where: { $0.controller.stackKey == key }) else {
                    let stack = try Self.stack(wanted, settings, in: surroundings, slots)
                    next.append(stack)
                    changes.append("\(key) begins")
                    apply.append { [fleet] in try fleet.add(stack.controller) }
                    continue
                }
                let (hasEnded, before) = (stack.controller.status.phase == .ended, stack.settings)
                stack.settings = wanted
                if before.isEqual(to: wanted), !hasEnded {
                    next.append(stack)
                    continue
                }
                let configuration = Self.configuration(wanted, in: surroundings)
                let isSame = stack.controller.configuration.fixedPropertyThatDiffers(from: configuration) == nil
                guard !hasEnded, isSame else {
                    let successor = try Self.stack(
                        wanted, settings, in: surroundings, slots, inPlaceOf: stack.launcher.base)
                    next.append(successor)
                    apply.append { [fleet] in
                        fleet.remove(key)
                        try fleet.add(successor.controller)
                    }
                    changes.append(hasEnded ? "\(key) begins again" : "\(key) drains and begins again")
                    continue
                }
                let (controller, owner) = (stack.controller, stack.launcher)
                let launcher = try Self.launcher(wanted, settings, in: surroundings, inPlaceOf: owner.base)
                next.append(stack)
                apply.append {
                    owner.base = launcher
                    try controller.reconfigure(configuration)
                }
                let names = wanted.written.differences(from: before.written).joined(separator: ", ")
                changes.append("\(key) changes its \(names)")
            }
            if let slots, settings.poolSize != slots.slots {
                changes.append(settings.slots.map { "\($0) slots" } ?? "no limit of slots")
                apply.insert({ try slots.resize(to: settings.poolSize) }, at: 0)
            }
            for change in apply { try change() }
            let stay = Set(next.map { ObjectIdentifier($0.controller) })
            let gone = stacks.filter { !stay.contains(ObjectIdentifier($0.controller)) }
            former.withLock { $0.add(gone) }
            stacks = next
            return changes
        }
    }

    // MARK: One stack

    private static func stack(
        _ settings: StackRunSettings, _ run: RunSettings, in surroundings: Surroundings, _ slots: SlotPool?,
        inPlaceOf other: (any JobLauncher)? = nil
    ) throws -> Stack {
        let launcher = StackLauncher(
            try launcher(settings, run, in: surroundings, inPlaceOf: other), observation: surroundings.observation)
        let controller = try StackController(
            client: surroundings.client, configuration: configuration(settings, in: surroundings), launcher: launcher,
            logger: surroundings.logger, slots: slots)
        return Stack(settings: settings, controller: controller, launcher: launcher)
    }

    private static func configuration(
        _ settings: StackRunSettings, in surroundings: Surroundings
    ) -> StackController.Configuration {
        var configuration = settings.controller
        configuration.mode = surroundings.isOnce ? .untilIdle : .continuous
        configuration.isDryRun = surroundings.isDryRun
        if surroundings.showsStatus { configuration.statusInterval = nil }
        return configuration
    }

    /// The launcher that starts the stack's command.
    private static func launcher(
        _ settings: StackRunSettings, _ run: RunSettings, in surroundings: Surroundings,
        inPlaceOf other: (any JobLauncher)?
    ) throws -> any JobLauncher {
        // A dry run reserves nothing and launches nothing, so it needs no command.
        guard !settings.command.isEmpty else { return RefusingLauncher() }
        var configuration = settings.launcher
        configuration.secrets = [surroundings.endpoint.token]
        configuration.descriptorLimit = surroundings.descriptorLimit
        // Only the summary goes to standard output.
        configuration.output =
            run.jobLogs.map { .files(directory: $0) }
            ?? surroundings.output.map { .fileDescriptor($0.descriptor) } ?? .standardError
        // A stack's key is a safe file name. A dry run does not touch running commands.
        if let directory = run.stateDirectory, !surroundings.isDryRun {
            try StackSettings.check(
                key: settings.controller.stackKey, type: .custom, queue: settings.controller.queue, metadata: [:])
            configuration.stateDirectory = "\(directory)/\(settings.controller.stackKey)"
        }
        // The agents use the server that their jobs come from.
        if let baseURL = surroundings.endpoint.baseURL {
            configuration.environment[Endpoint.baseURLVariable] = baseURL
        }
        guard let other = other as? CommandLauncher else {
            return try CommandLauncher(command: settings.command, configuration: configuration)
        }
        return try CommandLauncher(command: settings.command, configuration: configuration, inPlaceOf: other)
    }
}

/// Launches nothing.
private struct RefusingLauncher: JobLauncher {
    nonisolated(nonsending) func launch(_ job: LaunchedJob) async throws -> JobExit {
        throw Failure.refused("there is no command for job \(job.id).")
    }
}
