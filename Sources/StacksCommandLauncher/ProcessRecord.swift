import StacksAPI

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What is written down of the process of a job: one fact a line, added as it comes to be known.
///
/// ```
/// job 01989c5e-0000-7000-8000-00000000000a
/// process 4711
/// exit 0
/// ```
struct ProcessRecord: Equatable {
    /// Whose process it is. There from the first moment.
    var job: JobID?
    /// The process that leads the group. It writes this itself.
    var process: pid_t?
    /// How the command ended, as a shell has it: 128 + n for signal n.
    var exitStatus: Int32?

    /// Reads what has been written so far. A line without an end was being written when its writer died.
    init(parsing text: String) {
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            guard let blank = line.firstIndex(of: " ") else { continue }
            let value = line[line.index(after: blank)...]
            switch line[..<blank] {
            case "job": job = JobID(String(value))
            // The groups 0 and 1, and what is less, would be something else to kill(2).
            case "process": process = pid_t(value).flatMap { $0 > 1 ? $0 : nil }
            case "exit": exitStatus = Int32(value)
            default: continue
            }
        }
    }

    /// The first line, or `nil` when the job's name does not fit into one.
    static func beginning(for job: JobID) -> String? {
        let name = job.description
        return name.contains(where: \.isNewline) ? nil : "job \(name)\n"
    }

    /// What runs the command, as `sh -c wrapper <name> <executable> <arguments>…`, with the record as standard input.
    ///
    /// The shell alone keeps the record open, and with it the lock on it, so that the lock says whether the shell
    /// lives: no process that got the same number later can be taken for it. It outlives the signals that are for the
    /// command, whose exit status it writes and ends with. One that comes before the check keeps the command from being
    /// started; one that comes between the check and the command's start reaches the shell alone, and a command that
    /// was not there to get it is what SIGKILL after the grace period is for.
    static let wrapper = """
        exec 9<&0 </dev/null
        stopped=
        trap 'stopped=143' HUP INT QUIT TERM
        printf 'process %s\\n' "$$" >&9
        [ -z "$stopped" ] || exit "$stopped"
        "$@" 9<&-
        status=$?
        printf 'exit %s\\n' "$status" >&9
        exit "$status"
        """
}
