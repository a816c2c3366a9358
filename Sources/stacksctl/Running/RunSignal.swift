import UnixSignals

/// What signals do to `stacksctl run`, in the words of its help and of the article about production.
struct RunSignal {
    let names: String
    let effect: String

    /// Those that are caught.
    static let trapped: [UnixSignal] = [.sigterm, .sigint, .sigquit, .sighup, .sigusr1, .sigusr2, .sigalrm]

    static let table = [
        RunSignal(
            names: "SIGTERM, SIGINT",
            effect: "drain: take no new jobs, wait for the running commands, de-register the stack, and end"),
        RunSignal(names: "SIGTERM or SIGINT again", effect: "stop the commands at once, and end with 1"),
        RunSignal(names: "SIGQUIT", effect: "the same, without waiting for a second signal"),
        RunSignal(
            names: "SIGHUP",
            effect:
                "read the configuration file again; without one logged, changes nothing: a closing terminal sends it"),
        RunSignal(names: "SIGUSR1", effect: "log the status, at the level notice"),
        RunSignal(names: "SIGUSR2, SIGALRM", effect: "logged, change nothing"),
        RunSignal(names: "SIGPIPE", effect: "ignored; commands get it as it is by default"),
        RunSignal(
            names: "SIGKILL",
            effect: "ends the controller alone; with --state-directory the next one finds the commands"),
    ]

    /// The table as the help shows it.
    static let help = table.map { "  \($0.names): \($0.effect)." }.joined(separator: "\n")
}
