package import ArgumentParser

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Why a tool ends: its message and its exit status.
package protocol ToolFailure: Error {
    /// The message for standard error; empty for none.
    var message: String { get }
    var exitCode: ExitCode { get }
}

extension StandardOutput.Failure: ToolFailure {
    /// Empty if the reader closed the pipe: it has read enough. Otherwise the result is lost, and the message says so.
    package var message: String { isClosedByReader ? "" : description }

    /// Always 1: the result was not delivered.
    package var exitCode: ExitCode { .failure }
}

extension AsyncParsableCommand {
    /// Parses the command line, runs the command, and ends the process with the documented exit status. `main` calls it
    /// first.
    ///
    /// - Parameters:
    ///   - name: The tool's name, the prefix of its messages.
    ///   - failure: Turns an error into the tool's failure; `nil` leaves it to the parser.
    package static func runAsTool(
        named name: String, failure: (any Error) -> (any ToolFailure)? = { _ in nil }
    ) async -> Never {
        StandardDescriptors.prepare()
        var status = ExitCode.success
        do {
            try DescriptorLimit.raise(for: DescriptorLimit.least)
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            status = end(name, with: error, failure)
        }
        StandardError.sink.flush(within: StandardError.patience)
        // Without the C library's exit handlers: OpenSSL's frees what a thread of URLSession may still need to close
        // connections. The C library's buffers are empty, because nothing here uses them.
        _exit(status.rawValue)
    }

    private static func end(
        _ name: String, with error: any Error, _ failure: (any Error) -> (any ToolFailure)?
    ) -> ExitCode {
        if let failure = error as? any ToolFailure ?? failure(error) {
            if !failure.message.isEmpty { StandardError.write(failure.message, by: name) }
            return failure.exitCode
        }
        let (status, text) = (exitCode(for: error), fullMessage(for: error))
        guard !text.isEmpty else { return status }
        guard status == .success else {
            StandardError.write(lines: text, by: name)
            return status
        }
        // Help, a version or a completion script: this is the requested result.
        do {
            try StandardOutput.write(text)
            return status
        } catch {
            return end(name, with: error, failure)
        }
    }
}
