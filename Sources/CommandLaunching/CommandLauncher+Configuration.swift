public import StacksAPI

extension CommandLauncher {
    /// How processes are started and stopped.
    public struct Configuration: Sendable {
        /// Where standard output and standard error of the processes go.
        public enum Output: Sendable, Hashable {
            /// To those of this process.
            case inherited
            /// Both to the standard error of this process, for one whose standard output is its result.
            case standardError
            /// Both to this descriptor, 1 or greater, which stays open for as long as the launcher is used.
            case fileDescriptor(Int32)
            /// Nowhere.
            case discarded
            /// Appended to a file for each job, `<job's UUID>.log` in this directory, which exists. The files are
            /// readable for their owner alone. A directory that others can write to is refused unless it has the
            /// sticky bit. When something else has the name of a job's file, a link for example, that job fails.
            case files(directory: String)
        }

        /// Where the output goes. Inherited by default.
        public var output: Output = .inherited

        /// How large a file of output gets, and how many of them are kept.
        public var logLimits = LogLimits()

        /// The time between SIGTERM and SIGKILL to a process group. 10 seconds by default, the time that Buildkite's
        /// agent gives its job when it is stopped.
        public var gracePeriod: Duration = .seconds(10)

        /// The directory that processes start in, or `nil` for that of this process.
        public var workingDirectory: String?

        /// Which variables of this process the commands are given.
        public enum Inheritance: Sendable, Hashable {
            /// All, without the controller's own credentials.
            case everything
            /// Only those with these names, where they are set. A command that is looked up by its name needs `PATH`.
            case only(Set<String>)
        }

        /// What is inherited. Everything by default, because Buildkite's agent is configured by its environment; a
        /// controller that holds credentials of other kinds names what its commands need instead.
        public var inheritance: Inheritance = .everything

        /// Variables beside those of this process; `nil` removes one. The two that hold the job's token and UUID, and those
        /// whose names begin with `STACKS_JOB_`, cannot be changed.
        public var environment: [String: String?] = [:]

        /// What the file about a job holds, which `STACKS_JOB_FILE` names.
        public enum JobFileContent: Sendable, Hashable {
            /// The job as it was listed.
            case listed
            /// Its command and its environment too, for which one more request is made for each job. They can contain
            /// secrets.
            case details
        }

        /// What the file about a job holds. As it was listed by default.
        public var jobFileContent: JobFileContent = .listed

        /// Secrets of the controller, its token above all. Commands do not inherit a variable whose value contains one of
        /// these, whatever its name. A secret of fewer than eight characters has to be the whole value.
        public var secrets: [Secret] = []

        /// The soft limit on open files for commands, or `nil` for that of this process. It is for a process that has raised
        /// its own. On Linux; elsewhere commands inherit the limit. It is set right after the start, so a process that the
        /// command starts before that has the limit of this process.
        public var descriptorLimit: UInt?

        /// The directory for records of running commands, so that a controller that is started again finds them: see
        /// ``CommandLauncher/recover()``. `nil`, the default, for none: then no controller knows the commands that a killed
        /// one leaves behind.
        ///
        /// It is created if it does not exist. Its parent has to exist, on a local file system, and one launcher uses it at
        /// a time. A directory that is a symbolic link, belongs to another user, or is writable for others is refused. The
        /// record of a job holds its UUID, its process, and at last the exit status, but no credential and no command;
        /// the file that `STACKS_JOB_FILE` names is in the directory too. Each command has a shell beside it, which writes
        /// the status: 128 + n for signal n, without more detail. The shell may drop environment variables whose names
        /// are not valid in a shell, such as `a.b` or `x-y`: dash does.
        public var stateDirectory: String?

        /// The defaults.
        public init() {}
    }
}
