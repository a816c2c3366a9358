import ArgumentParser
import StacksAPI
import StacksController
import StacksTransport
import StandardStreams

/// Why the tool ends: its message on stderr and its exit status.
struct Failure: ToolFailure {
    /// One line for a person, without a credential.
    var message: String
    /// 64 for a wrong command line, 1 for everything else, unless `run` has another one for permanent failures.
    var exitCode: ExitCode
    /// Whether a controller that is restarted with the same settings would end in the same way.
    var isPermanent = false

    /// The API refused, or the network failed: exit status 1.
    static func refused(_ message: String) -> Failure {
        Failure(message: message, exitCode: .failure)
    }

    /// The command line is wrong: exit status 64.
    static func usage(_ message: String) -> Failure {
        Failure(message: message, exitCode: .validationFailure)
    }
}

extension Failure {
    /// The library's message about a failed operation, and what to do, on one line. A value that it refused to send is a
    /// mistake of the command line; everything else comes from the API or the network.
    init(_ error: StacksAPIError) {
        let isMistake = error.code == .invalidArgument
        self.init(
            // The message of a mistake says what is correct.
            message: isMistake ? error.description : Self.adding(error.advice, to: error.description),
            exitCode: isMistake ? .validationFailure : .failure
        )
    }

    /// An option, or what it names, that cannot work.
    init(_ error: ConfigurationError) {
        // Where the message names a property, this tool has an option.
        let message = error.description.replacing("set allowsInsecureHTTP", with: "pass --allow-insecure-http")
        self.init(message: message, exitCode: .validationFailure)
    }

    /// Why a controller did not start or go on.
    init(_ error: StackControllerError) {
        if error.underlying?.code == .invalidArgument {
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

    /// Why stacks of a run ended, of which there were `count`.
    init(_ error: StackFleetError, of count: Int) {
        let failures = error.failures.sorted { $0.key < $1.key }.map { key, error in
            (key: key, failure: (error as? StackControllerError).map { Failure($0) } ?? .refused("\(error)"))
        }
        let reasons = failures.map { "\($0.key): \($0.failure.message)" }.joined(separator: " ")
        self.init(
            message: "\(failures.count) of \(count) stacks ended with an error. \(reasons)", exitCode: .failure,
            isPermanent: failures.allSatisfy(\.failure.isPermanent))
    }

    /// Why a controller was not started: the response to its first request.
    init(beforeRun error: StacksAPIError) {
        self.init(error)
        isPermanent = error.code == .unauthorized && !error.isProxyRefusal
    }

    private static func adding(_ advice: String, to message: String) -> String {
        // Some messages already say what to do.
        if message.contains(advice) { return message }
        let end = message.last.map { ".!?".contains($0) } == true ? "" : "."
        return "\(message)\(end) What to do: \(advice)"
    }
}

/// Text from a server or a user, escaped for a terminal: see ``VisibleText``. It is not cropped, because it is the
/// result.
func printable(_ text: String) -> String { VisibleText.escaped(text) }
