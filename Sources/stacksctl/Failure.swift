import ArgumentParser
import StacksAPI
import StacksController
import StacksTransport
import StandardStreams

/// Why the tool stops: what it says on stderr, and the status it exits with.
struct Failure: ToolFailure {
    /// A line for a person, without a credential.
    var message: String
    /// 64 for a mistake in what was asked, 78 when a controller would end so again, 1 for all else.
    var exitCode: ExitCode

    /// The API or the network said no: exit status 1.
    static func refused(_ message: String) -> Failure {
        Failure(message: message, exitCode: .failure)
    }

    /// What was asked cannot be done as it stands: exit status 64.
    static func usage(_ message: String) -> Failure {
        Failure(message: message, exitCode: .validationFailure)
    }
}

extension ExitCode {
    /// 78 (`EX_CONFIG` of sysexits.h): a controller that is started again with the same settings ends in the same way.
    /// A status of its own, so that a supervisor can tell it from a failure that passes.
    static let permanent = ExitCode(78)
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
                exitCode: error.code.isPermanent ? .permanent : .failure
            )
        }
    }

    /// Why a controller was not even started: what its first question was answered with.
    init(beforeRun error: StacksAPIError) {
        self.init(error)
        if [.unauthorized, .forbidden, .notFound].contains(error.code) { exitCode = .permanent }
    }

    private static func adding(_ advice: String, to message: String) -> String {
        // Some messages say themselves what to do.
        message.contains(advice) ? message : "\(message) What to do: \(advice)"
    }
}

/// Text from a server or a user, made fit for a terminal: see ``VisibleText``. It is not cropped: it is what was asked
/// for.
func printable(_ text: String) -> String { VisibleText.escaped(text) }
