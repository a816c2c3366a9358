import CommandLaunching
import StacksAPI
import StacksController
import StacksTransport
import StandardStreams

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Run {
    /// What the run is told, by the options, the environment, and the configuration file if there is one.
    ///
    /// - Throws: ``Failure`` when something is wrong with it. What is wrong with a file, or with variables, is written to
    ///   standard error before, a line for each mistake.
    func settings() throws -> RunSettings {
        do {
            return try checkedSettings()
        } catch let error as SettingsError {
            if config == nil { throw Failure.usage(error.lines.joined(separator: "; ")) }
            for line in error.lines { StandardError.write(lines: VisibleText.escaped(line), by: "stacksctl") }
            let count = error.lines.count == 1 ? "1 mistake" : "\(error.lines.count) mistakes"
            throw Failure.usage("the configuration has \(count).")
        } catch let error as ConfigurationError {
            throw Failure(error)
        }
    }

    /// - Throws: ``SettingsError``, and `ConfigurationError` when the file cannot be read.
    func checkedSettings() throws -> RunSettings {
        let environment = ProcessInfo.processInfo.environment
        let file = config.map(SettingsDocument.file)
        var reader = SettingsReader(RunSettings(global: global, listening: listening))
        if let file {
            reader.read(SettingsDocument(try file.bytes()))
        } else {
            var only = StackRunSettings(key: stack ?? "", queue: queue?.key ?? .default)
            only.command = command
            reader.settings.stacks = [only]
        }
        reader.read(environment: environment)
        override(&reader.settings)
        let settings = reader.checked(needsCommands: !dryRun, isFile: file != nil)
        guard let settings else { throw SettingsError(lines: SettingProblem.lines(reader.problems, of: config ?? "")) }
        return settings
    }

    /// What the options say counts more than everything else.
    private func override(_ settings: inout RunSettings) {
        settings.global = global.over(settings.global)
        if listening.listen != nil { settings.listening.listen = listening.listen }
        if !listening.allowedHosts.isEmpty { settings.listening.allowedHosts = listening.allowedHosts }
        if let permanentFailureExitStatus { settings.permanentFailureExitStatus = permanentFailureExitStatus }
        func given(
            _ option: String, _ path: String?, for name: String, _ property: WritableKeyPath<RunSettings, String?>
        ) {
            guard let path else { return }
            settings[keyPath: property] = path
            settings.written[name] = SettingNode(content: .text(path), place: .outside(option))
        }
        given("--job-logs", jobLogs, for: "job-logs", \.jobLogs)
        given("--state-directory", stateDirectory, for: "state-directory", \.stateDirectory)
        for index in settings.stacks.indices { options.apply(to: &settings.stacks[index]) }
    }
}

extension RunSettings {
    /// What `--check` says of a file without a mistake.
    func praise(of file: String) -> String {
        let count = stacks.count == 1 ? "1 stack" : "\(stacks.count) stacks"
        let shared = slots.map { " and \($0) slots" } ?? ""
        return "\(file) is good: \(count)\(shared)"
    }
}
