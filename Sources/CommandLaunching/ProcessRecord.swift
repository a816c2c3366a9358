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
/// process 4711 90071
/// exit 0
/// ```
///
/// What keeps the command from being executed is told apart from what the command says of itself: then the last line is
/// `unstarted 127`.
struct ProcessRecord: Equatable {
    /// Whose process it is. There from the first moment.
    var job: JobID?
    /// The process that leads the group. It writes this itself.
    var process: pid_t?
    /// When that process was started, as the system counts: a number alone may be another process's by now, or a
    /// stranger's from the beginning. It writes this itself where it can.
    var start: ProcessStart?
    /// The shell could not execute the command.
    var isUnstarted = false
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
            case "process":
                let parts = value.split(separator: " ")
                process = parts.first.flatMap { pid_t($0) }.flatMap { $0 > 1 ? $0 : nil }
                if parts.count > 1 { start = ProcessStart(parts[1]) }
            case "started": start = ProcessStart(value)
            case "unstarted": isUnstarted = true
            case "exit": exitStatus = Int32(value)
            default: continue
            }
        }
    }

    /// The exit status of a ``wrapper`` whose command has not begun: EX_TEMPFAIL of sysexits.h.
    static let notBegun: Int32 = 75

    /// How the wrapper ended, as its parent saw it, and what it has written down before tell this of the command.
    func outcome(ofWrapperEndingWith status: Int32) -> Outcome {
        if isUnstarted { return .notExecuted }
        // 75 without a line is never the command's own: then the wrapper ends with another one.
        if exitStatus == nil, process == nil || status == Self.notBegun { return .notStarted }
        return .ended(status)
    }

    /// What became of a command.
    enum Outcome: Equatable {
        /// It has run.
        case ended(Int32)
        /// The system could not execute it.
        case notExecuted
        /// There was no process for it, or nowhere to write down that there is one.
        case notStarted
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
    ///
    /// A shell ends with the same 126 or 127 when it cannot execute a command and when the command ends so. That is why
    /// a second one executes it: it is there to say so (SIGUSR1) only when that failed. Some shells end at once then,
    /// with what they were told to do at their end; bash does not do that, and is told to go on instead. The same signal
    /// sent by the command to its group says nothing with any other status.
    ///
    /// Its variables have names that no command's environment has: what it sets of that, the command would see.
    ///
    /// A shell that cannot even make a process, or write its number down, ends with ``notBegun``. With any other status and
    /// no line about it the command has run, and its end could not be written down.
    static let wrapper = """
        exec 9<&0 </dev/null
        stacks_stopped= stacks_unstarted= stacks_start=
        trap 'exit \(notBegun)' EXIT
        trap 'stacks_stopped=143' HUP INT QUIT TERM
        trap 'stacks_unstarted=1' USR1
        stacks_field() { stacks_start=${20}; }
        [ ! -r /proc/self/stat ] || { read -r stacks_start; stacks_field ${stacks_start##*) }; } </proc/self/stat
        printf 'process %s %s\\n' "$$" "$stacks_start" >&9 || exit \(notBegun)
        [ -z "$stacks_stopped" ] || { trap - EXIT; printf 'exit %s\\n' "$stacks_stopped" >&9; exit "$stacks_stopped"; }
        /bin/sh -c 'shopt -s execfail 2>/dev/null || trap "kill -USR1 $PPID" EXIT
        exec "$@"
        stacks_status=$?
        kill -USR1 "$PPID"
        exit "$stacks_status"' "$0" "$@" 9<&-
        stacks_status=$?
        trap - EXIT
        case $stacks_unstarted$stacks_status in 1126 | 1127) printf 'unstarted %s\\n' "$stacks_status" >&9 || stacks_status=\(notBegun); exit "$stacks_status" ;; esac
        printf 'exit %s\\n' "$stacks_status" >&9 || [ "$stacks_status" -ne \(notBegun) ] || stacks_status=\(notBegun + 1)
        exit "$stacks_status"
        """
}
