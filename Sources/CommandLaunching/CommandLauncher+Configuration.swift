public import StacksAPI

extension CommandLauncher {
    /// How processes are started and stopped.
    public struct Configuration: Sendable {
        /// Where standard output and standard error of the processes go.
        public enum Output: Sendable, Hashable {
            /// To those of this process.
            case inherited
            /// Both to the standard error of this process, for one whose standard output is an answer.
            case standardError
            /// Both to this descriptor, 1 or greater, which stays open for as long as the launcher is used.
            case fileDescriptor(Int32)
            /// Nowhere.
            case discarded
            /// Appended to a file for each job, `<job's UUID>.log` in this directory, which exists. The files are
            /// readable for their owner alone. A directory that others can write to is refused unless it has the
            /// sticky bit, and so is, for its job alone, what has a file's name and is no regular file of this user's.
            case files(directory: String)
        }

        /// Where the output goes. Inherited by default.
        public var output: Output = .inherited

        /// How long a process group has between SIGTERM and SIGKILL. 10 seconds by default, as long as Buildkite's
        /// agent gives its job when it is told to stop.
        public var gracePeriod: Duration = .seconds(10)

        /// The directory that processes start in, or `nil` for that of this process.
        public var workingDirectory: String?

        /// Which variables of this process the commands are given.
        public enum Inheritance: Sendable, Hashable {
            /// All, but for the controller's own credentials.
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

        /// What the controller alone may know, its token above all. A variable of this process whose value holds one of
        /// these, whatever its name, is kept from the commands. Those that are shorter than eight characters count
        /// only where they are the whole value.
        public var secrets: [Secret] = []

        /// The soft limit on open files that commands get, or `nil` for that of this process: for one that has raised
        /// its own. On Linux; elsewhere commands inherit the limit. It is set right after the start: a process that the
        /// command starts before that inherits the limit of this process.
        public var descriptorLimit: UInt?

        /// Where it is written down what runs, so that a controller that is started again finds it: see
        /// ``CommandLauncher/recover()``. `nil`, the default, for nowhere: then what a killed controller leaves behind
        /// runs on unknown.
        ///
        /// It is made when it is not there, its parent has to be, on a file system of this machine, and it belongs to
        /// one launcher at a time. It is refused when it is a symbolic link, another user's, or one that others can
        /// write to. A file for each job names the job, its process, and at last its exit status; no
        /// credential and no command is in it. Each command has a shell beside it then, which writes that status: of a
        /// command that a signal ended it tells 128 + the signal's number, and no more. The shell may keep environment
        /// variables from the command whose names are none to a shell, such as `a.b` or `x-y`: dash drops them.
        public var stateDirectory: String?

        /// The defaults.
        public init() {}
    }
}
