import CProcess

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Makes processes.
enum Spawn {
    /// Starts a process that leads a session of its own; see `cprocess_spawn`.
    ///
    /// - Returns: The process's number.
    /// - Throws: ``SystemError``; then there is no process.
    static func process(
        _ path: String, _ arguments: [String], _ variables: [String: String], directory: String?,
        streams: (input: Int32, output: Int32, error: Int32)
    ) throws -> pid_t {
        let lines = variables.map { "\($0.key)=\($0.value)" }
        return try withCStrings(arguments) { arguments in
            try withCStrings(lines) { variables in
                var process: pid_t = 0
                let code = cprocess_spawn(
                    &process, path, arguments, variables, directory, streams.input, streams.output, streams.error)
                guard code == 0 else { throw SystemError(code: code) }
                return process
            }
        }
    }

    static func limitDescriptors(of process: pid_t, to limit: UInt) { cprocess_limit_descriptors(process, limit) }

    /// Lends `strings` as C has them, an array that ends with a null pointer.
    private static func withCStrings<Result>(
        _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) throws -> Result
    ) throws -> Result {
        var copies: [UnsafeMutablePointer<CChar>?] = []
        defer { for copy in copies { free(copy) } }
        for string in strings {
            guard let copy = strdup(string) else { throw SystemError(code: ENOMEM) }
            copies.append(copy)
        }
        return try body(copies + [nil])
    }
}
