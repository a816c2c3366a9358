import ArgumentParser
import Foundation
import StacksAPI
import StacksController

/// Why the tool stops: what it says on stderr, and the status it exits with.
struct Failure: Error {
    /// A line for a person, without a credential.
    var message: String
    /// 64 for a mistake in what was asked, 1 when the API or the network said no.
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

extension Failure {
    /// What the library says of a failed operation, on one line. A value that it refused to send is a mistake in what
    /// was asked; all else was said by the API or the network.
    init(_ error: StacksAPIError) {
        self.init(
            message: printable(error.description),
            exitCode: error.code == .invalidArgument ? .validationFailure : .failure
        )
    }

    /// Why a controller did not start or go on.
    init(_ error: StackControllerError) {
        let isMistake = error.code == .invalidConfiguration || error.underlying?.code == .invalidArgument
        // The message has what the underlying error says.
        self.init(
            message: printable(error.message),
            exitCode: isMistake ? .validationFailure : .failure
        )
    }
}

/// Where everything goes that is not the answer.
enum StandardError {
    /// Writes `message` as one entry that names the tool.
    static func write(_ message: String) {
        FileHandle.standardError.write(Data("stacksctl: \(message)\n".utf8))
    }
}
