/// How the lines of a log are written.
package enum LogForm: Sendable, Hashable {
    /// Date, level, the logger's label, metadata, source and message, to be collected.
    case full
    /// Time, level, message and metadata, for a person at a terminal, who knows the day and the stack.
    case short
    /// The same where there are several stacks: with the key of the stack.
    case shortOfSeveral
    /// The level as the journal reads it, message and metadata: systemd keeps the time and the program itself.
    case journal
    /// One JSON object: see ``JSONLine``.
    case json
}
