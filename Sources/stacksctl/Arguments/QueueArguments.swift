import ArgumentParser
import StacksAPI

/// `--queue`, as a person writes it.
struct QueueArgument: ExpressibleByArgument {
    let key: QueueKey

    /// `~`, `-` and Buildkite's two names for it mean the cluster's default queue.
    init?(argument: String) {
        switch argument {
        case "": return nil
        case "~", "-", "_default", "__default__": key = .default
        default: key = QueueKey(rawValue: argument)
        }
    }
}

/// The option, for each command that works on one queue.
struct QueueOption: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: Self.help
    )
    var queue: QueueArgument

    static let help = ArgumentHelp(
        "The queue's key, or '-' (or a quoted '~') for the cluster's default queue.", valueName: "queue")
}

/// `--stack`, for each command that acts as a registered stack.
struct StackOption: ParsableArguments {
    @Option(help: Self.help)
    var stack: String

    static let help = ArgumentHelp("The key under which the stack is registered.", valueName: "key")
}
