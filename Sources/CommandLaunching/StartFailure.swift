import StacksController

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Decides what an error that kept a command from being started means for other jobs.
enum StartFailure {
    /// Errors of the set-up, which last until a person changes something.
    private static let lasting: Set<Int32> = [
        ENOENT, ENOTDIR, EACCES, EPERM, ELOOP, ENAMETOOLONG, EISDIR, ENOTSUP,
    ]

    /// The error to throw: one that ends the controller if the error lasts, and otherwise one after which it tries again.
    ///
    /// - Parameter what: What could not be done, a sentence without a full stop.
    static func error(_ what: String, _ error: any Error) -> any Error {
        guard let code = (error as? SystemError)?.code, lasting.contains(code) else {
            return LauncherUnavailable(message: "\(what): \(error)")
        }
        return StackControllerError(code: .launcherUnusable, message: "\(what): \(error)")
    }
}
