import Logging

/// Detects that no poll has succeeded for long, so that people see the queue as disconnected. Begin and end are logged
/// once each.
struct Silence {
    /// Without a poll for this long Buildkite shows the queue as disconnected.
    private static let connectedFor = Duration.seconds(30)

    /// Since when, once it is logged.
    private var since: Duration?

    private func limit(_ shared: SharedState) -> Duration {
        max(Self.connectedFor, shared.configuration.pollInterval * 3)
    }

    /// When it is time to log it.
    func due(_ shared: SharedState, lastSuccess: Duration?) -> Duration? {
        guard shared.phase == .running, since == nil else { return nil }
        return max(lastSuccess ?? shared.runningSince, shared.runningSince) + limit(shared)
    }

    mutating func warnIfDue(_ shared: inout SharedState, lastSuccess: Duration?) {
        guard let due = due(shared, lastSuccess: lastSuccess), due <= shared.now else { return }
        let begin = due - limit(shared)
        since = begin
        let seconds = (shared.now - begin).formattedSeconds
        shared.log(
            .error, "No poll has succeeded for \(seconds) s: Buildkite shows the queue as disconnected by now")
    }

    mutating func ends(_ shared: inout SharedState) {
        guard let since else { return }
        shared.log(.notice, "Polls succeed again, after \((shared.now - since).formattedSeconds) s")
        self.since = nil
    }
}
