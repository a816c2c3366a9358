package import ArgumentParser

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Why a tool ends: what it says, and its exit status.
package protocol ToolFailure: Error {
    /// For standard error; nothing is said when it is empty.
    var message: String { get }
    var exitCode: ExitCode { get }
}

extension StandardOutput.Failure: ToolFailure {
    /// A reader that has enough needs no message; everybody else has lost what was asked for.
    package var message: String { isClosedByReader ? "" : description }

    /// 1 in any case: what was asked for has not arrived.
    package var exitCode: ExitCode { .failure }
}

extension AsyncParsableCommand {
    /// Parses the command line, runs the command, and ends the process with the exit status that is promised. To be
    /// called by `main`, before anything else.
    ///
    /// - Parameters:
    ///   - name: The tool's name, with which messages begin.
    ///   - failure: What an error comes to; `nil` leaves it to the parser.
    package static func runAsTool(
        named name: String, failure: (any Error) -> (any ToolFailure)? = { _ in nil }
    ) async -> Never {
        StandardDescriptors.prepare()
        var status = ExitCode.success
        do {
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
        // Without the C library's exit handlers: OpenSSL's takes away what a thread of URLSession's may still be closing
        // connections with. Buffers of the C library are empty: nothing here uses them.
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
            StandardError.write(lines: text)
            return status
        }
        // Help, a version, a script for completion: they are what was asked for.
        do {
            try StandardOutput.write(text)
            return status
        } catch {
            return end(name, with: error, failure)
        }
    }
}
