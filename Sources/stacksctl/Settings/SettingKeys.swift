import CommandLaunching
import StacksAPI
import StacksController
import StacksTransport

extension SettingKey where Root == RunSettings {
    /// What can be set for the whole process.
    static var all: [SettingKey] {
        [
            .integer("slots", 0...SlotPool.maximumSlots) { $1.slots = $0 },
            .text("listen", expected: "HOST:PORT, such as 127.0.0.1:9464") { text, run in
                guard let address = try? ListenAddress(parsing: text) else { return false }
                run.listening.listen = address
                return true
            },
            .list("allowed-hosts", expected: "a list of names without a scheme or a path") { names, run in
                guard names.allSatisfy(ListenOptions.isHostName) else { return false }
                run.listening.allowedHosts = names
                return true
            },
            .text("token-file", \.tokenFile),
            .text("state-directory", property: "stateDirectory", \.stateDirectory),
            .text("job-logs", property: "output", \.jobLogs),
            .integer("permanent-failure-exit-status", RunSettings.permanentFailureExitStatuses) {
                $1.permanentFailureExitStatus = $0
            },
            .text("base-url", \.global.baseURL),
            .boolean("allow-insecure-http") { $1.global.allowsInsecureHTTP = $0 },
            .choice("transport", GlobalOptions.Transport.self) { $1.global.transport = $0 },
            .choice("http-version", GlobalOptions.HTTPVersion.self) { $1.global.httpVersion = $0 },
            .text("ca-file", \.global.caFile),
            .text("proxy", \.global.proxy),
            .seconds("timeout") { $1.global.timeout = Seconds($0) },
            .boolean("no-retry") { $1.global.noRetry = $0 },
            .choice("log-level", GlobalOptions.LogLevel.self) { $1.global.logLevel = $0 },
            .choice("log-format", GlobalOptions.LogFormat.self) { $1.global.logFormat = $0 },
            .boolean("log-payloads") { $1.global.logPayloads = $0 },
        ]
    }
}

/// The numbers that the library accepts.
private typealias Accepted = StackController.Configuration.Accepted

extension SettingKey where Root == StackRunSettings {
    /// What can be set for a stack alone.
    static var identity: [SettingKey] {
        [
            .text("key", property: "stackKey") { key, stack in
                stack.controller.stackKey = key
                return true
            },
            .text("queue", property: "queue") { text, stack in
                guard let queue = QueueArgument(argument: text) else { return false }
                stack.controller.queue = queue.key
                return true
            },
        ]
    }

    /// What can be set for a stack, and at the top of the file for all stacks.
    static var shared: [SettingKey] {
        [
            .mapping(
                "tags", property: "tags", expected: "a mapping of keys to a value, or to a list of values",
                value: TagValues.init(node:)
            ) { $1.controller.tags = $0 },
            .list("command", expected: "a list: the program, and its arguments") { words, stack in
                guard let program = words.first, !program.isEmpty else { return false }
                stack.command = words
                return true
            },
            .integer("max-in-flight", property: "maximumInFlight", Accepted.maximumInFlight) {
                $1.controller.maximumInFlight = $0
            },
            .integer("min-slots", property: "minimumSlots", Accepted.minimumSlots) {
                $1.controller.minimumSlots = $0
            },
            .seconds("poll-interval", property: "pollInterval") { $1.controller.pollInterval = $0 },
            .seconds("poll-timeout", property: "pollTimeout", upTo: Accepted.longestPollTimeout) {
                $1.controller.pollTimeout = $0
            },
            .seconds("watch-interval", property: "watchInterval") { $1.controller.watchInterval = $0 },
            .seconds("reservation", property: "reservationExpiry", upTo: StackSettings.seconds.upperBound) {
                $1.controller.reservationExpiry = $0
            },
            .seconds("token-lifetime", property: "tokenLifetime", upTo: StackSettings.seconds.upperBound) {
                $1.controller.tokenLifetime = $0
            },
            .seconds("start-timeout", property: "startTimeout") { $1.controller.startTimeout = $0 },
            .seconds("linger-timeout", property: "lingerTimeout", orZero: true) { $1.controller.lingerTimeout = $0 },
            .seconds("stop-timeout", property: "stopTimeout") { $1.controller.stopTimeout = $0 },
            .seconds("settle-timeout", property: "settleTimeout", orZero: true) { $1.controller.settleTimeout = $0 },
            .seconds("status-interval", property: "statusInterval", orZero: true) {
                $1.controller.statusInterval = $0 == .zero ? nil : $0
            },
            .seconds("grace-period", property: "gracePeriod", orZero: true) { $1.launcher.gracePeriod = $0 },
            .integer(
                "launch-failure-exit-status", property: "launchFailureExitStatus", Accepted.launchFailureExitStatus,
                except: Accepted.noLaunchFailureExitStatus
            ) { $1.controller.launchFailureExitStatus = $0 },
            .boolean("job-notifications", property: "notifiesJobs") { $1.controller.notifiesJobs = $0 },
            .boolean("deregister", property: "deregistersAtEnd") { $1.controller.deregistersAtEnd = $0 },
            .choice("job-file", property: "jobFileContent", RunOptions.JobFileContent.self) {
                $1.launcher.jobFileContent = $0.content
            },
            .text("job-log-limit", property: "logLimits", expected: Bound.sizes) { text, stack in
                guard let bound = try? Bound.size(parsing: text) else { return false }
                stack.launcher.logLimits.maximumSize = bound.value
                return true
            },
            .text("job-logs-kept", property: "logLimits", expected: Bound.counts) { text, stack in
                guard let bound = try? Bound.count(parsing: text) else { return false }
                stack.launcher.logLimits.maximumCount = bound.value
                return true
            },
            .mapping(
                "metadata", property: "metadata", expected: "a mapping of keys to texts", value: \.text
            ) { $1.controller.metadata.merge($0) { _, own in own } },
            .text("working-directory", property: "workingDirectory", \.launcher.workingDirectory),
            .mapping(
                "environment", property: "environment", expected: "a mapping of variables to texts", value: \.text
            ) { $1.launcher.environment.merge($0.mapValues(Optional.some)) { _, own in own } },
            .list("inherit", property: "inheritance", expected: "a list of the names of variables") {
                $1.launcher.inheritance = .only(Set($0))
                return true
            },
        ]
    }

    /// The key that sets each of the library's properties, for the library's messages.
    static var namesByProperty: [(property: String, name: String)] {
        (identity + shared).compactMap { key in key.property.map { ($0, key.name) } }
    }
}

extension TagValues {
    /// One value, or a list of them; `nil` for anything else.
    fileprivate init?(node: SettingNode) {
        switch node.content {
        case .text(let text) where !text.isEmpty: self.init(text)
        case .list(let nodes):
            let texts = nodes.compactMap(\.text).filter { !$0.isEmpty }
            guard !texts.isEmpty, texts.count == nodes.count else { return nil }
            self.init(texts)
        default: return nil
        }
    }
}
