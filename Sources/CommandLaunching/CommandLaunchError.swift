/// Why it is not known how the process of a job ended.
///
/// It names the executable alone: arguments and environment may hold secrets.
public struct CommandLaunchError: Error, Sendable, CustomStringConvertible {
    /// What happened, for people.
    public var description: String

    init(description: String) { self.description = description }

    init(unstoppable command: String, _ group: ProcessGroup) {
        self.init(
            description: "\(command) cannot be stopped and runs on: this process may not signal its processes (group "
                + "\(group.leader)), which are another user's")
    }
}
