#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Finds out whether a command can be started at all, before a job depends on it.
enum ExecutableLookup {
    /// The search path when there is no `PATH`.
    private static let standardPath = "/usr/bin:/bin:/usr/sbin:/sbin"

    /// Why `name` cannot be started, or `nil` when it is an executable file.
    ///
    /// - Parameters:
    ///   - path: The `PATH` of the command.
    ///   - workingDirectory: The directory of relative paths; `nil` for this process's own.
    static func problem(with name: String, path: String?, workingDirectory: String?) -> String? {
        guard !name.contains("/") else {
            let file = name.hasPrefix("/") ? name : workingDirectory.map { "\($0)/\(name)" } ?? name
            if isExecutable(file) { return nil }
            return access(file, F_OK) == 0
                ? "The command \(name) is not an executable file" : "The command \(name) was not found"
        }
        return file(named: name, path: path) == nil ? "The command \(name) was not found in PATH" : nil
    }

    /// The executable file called `name`, which has no slash, in the directories of `path`.
    static func file(named name: String, path: String?) -> String? {
        // An empty or relative entry is not searched: it depends on the directory in which the controller was started.
        let directories = (path ?? standardPath).split(separator: ":").filter { $0.hasPrefix("/") }
        return directories.lazy.map { "\($0)/\(name)" }.first(where: isExecutable)
    }

    private static func isExecutable(_ file: String) -> Bool {
        var status = stat()
        return stat(file, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && access(file, X_OK) == 0
    }

    /// The `PATH` of this process.
    static var ownPath: String? { getenv("PATH").map { String(cString: $0) } }
}
