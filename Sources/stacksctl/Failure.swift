import ArgumentParser
import StacksAPI
import StacksController
import StacksTransport
import StandardStreams

/// Why the tool stops: what it says on stderr, and the status it exits with.
struct Failure: ToolFailure {
    /// A line for a person, without a credential.
    var message: String
    /// 64 for a mistake in what was asked, 1 for all else, unless `run` was told another one for what is permanent.
    var exitCode: ExitCode
    /// Whether a controller that is started again with the same settings would end in the same way.
    var isPermanent = false

    /// The API or the network said no: exit status 1.
    static func refused(_ message: String) -> Failure {
        Failure(message: message, exitCode: .failure)
    }

    /// What was asked cannot be done as it stands: exit status 64.
    static func usage(_ message: String) -> Failure {
        Failure(message: message, exitCode: .validationFailure)
    }
}

extension Failure {
    /// What the library says of a failed operation, and what to do, on one line. A value that it refused to send is a
    /// mistake in what was asked; all else was said by the API or the network.
    init(_ error: StacksAPIError) {
        let isMistake = error.code == .invalidArgument
        self.init(
            // The message of a mistake says what would be right.
            message: isMistake ? error.description : Self.adding(error.advice, to: error.description),
            exitCode: isMistake ? .validationFailure : .failure
        )
    }

    /// Why a controller did not start or go on.
    init(_ error: StackControllerError) {
        if error.code == .invalidConfiguration || error.underlying?.code == .invalidArgument {
            self.init(message: error.description, exitCode: .validationFailure)
        } else {
            // The message has what the underlying error says.
            self.init(
                message: Self.adding(error.advice, to: error.description),
                exitCode: .failure,
                isPermanent: error.code.isPermanent
            )
        }
    }

    /// Why a controller was not even started: what its first question was answered with.
    init(beforeRun error: StacksAPIError) {
        self.init(error)
        isPermanent = error.code == .unauthorized && !error.isProxyRefusal
    }

    private static func adding(_ advice: String, to message: String) -> String {
        // Some messages say themselves what to do.
        if message.contains(advice) { return message }
        let end = message.last.map { ".!?".contains($0) } == true ? "" : "."
        return "\(message)\(end) What to do: \(advice)"
    }
}

/// Text from a server or a user, made fit for a terminal: see ``VisibleText``. It is not cropped: it is what was asked
/// for.
func printable(_ text: String) -> String { VisibleText.escaped(text) }
