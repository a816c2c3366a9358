public import StacksAPI
import StacksTransport

/// Why a controller stopped.
public struct StackControllerError: Error, Sendable {
    /// What is wrong. More may come, so a `switch` needs a default.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Wrapped: String {
            case unauthorized, refused, queueNotFound, stackTakenOver, launcherUnusable
        }

        private let wrapped: Wrapped

        private init(_ wrapped: Wrapped) { self.wrapped = wrapped }

        /// A short name without dynamic values, fit for a metric's label.
        public var description: String { wrapped.rawValue }

        /// Buildkite does not accept the token (401).
        public static let unauthorized = Code(.unauthorized)
        /// Buildkite does not let this stack register or work (403, or a registration that it does not accept).
        public static let refused = Code(.refused)
        /// There is no such queue (404).
        public static let queueNotFound = Code(.queueNotFound)
        /// The stack's key belongs to another queue: another controller registered the same key.
        public static let stackTakenOver = Code(.stackTakenOver)
        /// The launcher cannot start any job, for a reason that is not the job's: its command is gone, for example.
        public static let launcherUnusable = Code(.launcherUnusable)
    }

    /// What is wrong.
    public var code: Code

    /// What happened and what to do, for people.
    public var message: String

    /// The failed call, if this is about one.
    public var underlying: StacksAPIError?

    /// A reason to stop.
    public init(code: Code, message: String, underlying: StacksAPIError? = nil) {
        self.code = code
        self.message = message
        self.underlying = underlying
    }
}

extension StackControllerError: CustomStringConvertible {
    /// The message on one line, of bounded length, with an escape for each character that cannot be seen.
    public var description: String { VisibleText.escaped(message, limit: 4 * VisibleText.lineLimit) }
}

extension StackControllerError {
    /// What to do, in words for a person and without dynamic values.
    public var advice: String { code.advice }
}

extension StackControllerError.Code {
    /// What to do about it, in words for a person and without dynamic values.
    public var advice: String {
        switch self {
        case .unauthorized: "Give it a valid agent token of the cluster ('bkct_…')."
        case .refused: "Check the token's cluster, and de-register stacks that are gone."
        case .queueNotFound: "Check the queue's key, the token's cluster, and that the base URL ends in /v3."
        case .stackTakenOver: "Give each controller a key of its own."
        case .launcherUnusable: "Repair what starts the jobs, then start the controller again."
        default: "Read the message."
        }
    }

    /// Whether a controller that is started again with the same settings ends in the same way, so that a person has to
    /// change something first. A supervisor should not restart it.
    public var isPermanent: Bool {
        switch self {
        case .unauthorized, .refused, .queueNotFound, .stackTakenOver: true
        default: false
        }
    }
}
