import StacksAPI

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The facts about the process of a job, one on each line, in the order in which they become known.
///
/// ```
/// job 01989c5e-0000-7000-8000-00000000000a
/// boot 7f9b1f5c-3c1f-4a43-8f0c-0f6f6a1f8d11
/// process 4711 90071
/// exit 0
/// ```
///
/// When the system could not execute the command, the last line is `unstarted 127` instead: a command can end with 127 too.
struct ProcessRecord: Equatable {
    /// The job. It is in the file from the beginning.
    var job: JobID?
    /// When the machine was started that the process runs on: see ``BootID``. It is in the file from the beginning.
    var boot: String?
    /// The process that leads the group, which writes this line itself.
    var process: pid_t?
    /// When that process was started, as the system counts: the number alone may be that of another process by now. The
    /// process writes this itself where it can.
    var start: ProcessStart?
    /// The shell could not execute the command.
    var isUnstarted = false
    /// The exit status of the command as a shell has it: 128 + n for signal n.
    var exitStatus: Int32?

    /// Whether the end of the command is not written down.
    var isOpen: Bool { exitStatus == nil && !isUnstarted }

    /// Whether the machine was not started again since, as far as that is known. After another start the numbers of processes
    /// mean others.
    var isOfThisBoot: Bool {
        guard let boot, let current = BootID.current else { return true }
        return boot == current
    }

    /// Reads what has been written so far. The writer of a line without an end died while it wrote.
    init(parsing text: String) {
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            guard let blank = line.firstIndex(of: " ") else { continue }
            let value = line[line.index(after: blank)...]
            switch line[..<blank] {
            case "job": job = JobID(String(value))
            case "boot": boot = String(value)
            // For kill(2), 0, 1 and negative numbers do not mean one group.
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

    /// The exit status of a ``wrapper`` that has not started its command: EX_TEMPFAIL of sysexits.h.
    static let notBegun: Int32 = 75

    /// What became of the command of a wrapper that has ended.
    ///
    /// - Parameters:
    ///   - ending: How the wrapper ended.
    ///   - record: The record after that; `nil` when it is gone.
    static func outcome(ofWrapper ending: ChildProcess.Ending, record: ProcessRecord?) -> Outcome {
        // A record without its first line is not as it was written: somebody has emptied it.
        guard let record, record.job != nil else { return .unknown }
        switch ending {
        case .exited(let status):
            if record.isUnstarted { return .notExecuted }
            // When the end of a command could not be written down, the wrapper ends with another status than 75.
            if record.exitStatus == nil, record.process == nil || status == notBegun { return .notStarted }
            return .ended(status)
        case .signalled(let signal): return record.process == nil ? .notStarted : .signalled(signal)
        case .unknown, .unstoppable: return .unknown
        }
    }

    /// What became of a command.
    enum Outcome: Equatable {
        /// It has run.
        case ended(Int32)
        /// It has run, and a signal has ended the wrapper.
        case signalled(Int32)
        /// The system could not execute it.
        case notExecuted
        /// There was no process for it, or its number could not be written down.
        case notStarted
        /// The record does not tell.
        case unknown
    }

    /// The first lines, or `nil` when the job's name does not fit into one.
    static func beginning(for job: JobID) -> String? {
        let name = job.description
        guard !name.contains(where: \.isNewline) else { return nil }
        return "job \(name)\n" + (BootID.current.map { "boot \($0)\n" } ?? "")
    }

    /// The script that runs the command, as `sh -c wrapper <name> <executable> <arguments>…`, with the record as standard
    /// input.
    ///
    /// Only this shell keeps the record open, and so its lock: the lock says whether the shell lives, and no process that
    /// gets the same number later can be taken for it. The shell survives the signals that are meant for the command, and
    /// writes and ends with the command's exit status. A signal before the check keeps the command from being started. A
    /// signal between the check and the start of the command reaches the shell alone; the command is then ended by
    /// SIGKILL, after the grace period.
    ///
    /// A shell ends with 126 or 127 when it cannot execute a command, and also when the command ends so. To tell these
    /// apart, a second shell executes the command, and sends SIGUSR1 to the first one when that fails. Most shells end at
    /// once then, and run their EXIT trap; bash runs none, and is told to go on (`execfail`). When the command itself sends
    /// SIGUSR1 to its group, its status is not 126 or 127, and the signal means nothing.
    ///
    /// The names of its variables begin with `stacks_`, so that it changes no variable of the command's environment.
    ///
    /// A shell that cannot create a process, or cannot write its number down, ends with ``notBegun``. With any other status
    /// and without a line about the end, the command has run and its end could not be written down.
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
