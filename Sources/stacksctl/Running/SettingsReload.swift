import Logging
import StacksController
import StacksTransport

/// Reads a run's configuration file and token file again: on request, and when they have changed.
struct SettingsReload: Sendable {
    /// How often is looked whether a file has changed.
    private static let interval = Duration.seconds(1)

    /// Reads the file, with what environment and options say over it.
    ///
    /// Throws ``SettingsError``, or another error when the file cannot be read.
    let read: @Sendable () throws -> RunSettings
    /// `nil` without a configuration file.
    let file: RegularFile?
    let tokenFile: RegularFile?
    let stacks: RunningStacks
    /// Makes the client read its token again.
    let refreshToken: @Sendable () -> Void
    let logger: Logger

    /// What the process was started with. What concerns all of it does not change while it runs.
    let settings: RunSettings

    /// Reads the files whenever `requests` says so or they have changed, until the task is cancelled.
    func run(on requests: AsyncStream<Void>) async {
        guard file != nil || tokenFile != nil else { return }
        await withTaskGroup(of: Void.self) { group in
            let (occasions, occasion) = AsyncStream.makeStream(of: Bool.self, bufferingPolicy: .bufferingOldest(8))
            group.addTask {
                for await _ in requests { occasion.yield(true) }
            }
            group.addTask {
                var token = tokenFile?.version
                while !Task.isCancelled {
                    try? await Task.sleep(for: Self.interval)
                    let now = tokenFile?.version
                    if now != token {
                        logger.notice("The token file has changed: its token is used from now on")
                        refreshToken()
                    }
                    token = now
                    occasion.yield(false)
                }
            }
            var read = file?.version
            for await isRequested in occasions {
                let now = file?.version
                // A file that is being replaced is not there for a moment.
                guard isRequested || (now != read && now != nil) else { continue }
                read = now
                reload(isRequested: isRequested)
            }
            group.cancelAll()
        }
    }

    private func reload(isRequested: Bool) {
        let occasion = isRequested ? "SIGHUP" : "The configuration file has changed"
        do {
            var wanted = try read()
            let fixed = wanted.written.differences(from: settings.written).filter { $0 != "slots" }
            wanted.jobLogs = settings.jobLogs
            wanted.stateDirectory = settings.stateDirectory
            let changes = try stacks.apply(wanted)
            if isRequested { refreshToken() }
            logger.notice("\(occasion): \(changes.isEmpty ? "nothing changes" : changes.joined(separator: "; "))")
            if !fixed.isEmpty {
                logger.warning(
                    "These settings change when stacksctl is started again: \(fixed.joined(separator: ", "))")
            }
        } catch {
            logger.error("\(occasion): the configuration cannot be used, and stays as it was")
            for line in (error as? SettingsError)?.lines ?? ["\(error)"] { logger.error("\(line)") }
        }
    }
}
