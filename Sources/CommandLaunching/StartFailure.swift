import StacksController

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What an error that kept a job from being started means for the others.
enum StartFailure {
    /// What is wrong with the set-up, and stays so until a person changes it.
    private static let lasting: Set<Int32> = [
        ENOENT, ENOTDIR, EACCES, EPERM, ELOOP, ENAMETOOLONG, EISDIR, ENOTSUP,
    ]

    /// The error to throw: one that ends the controller for what lasts, and otherwise one that has it try again later.
    ///
    /// - Parameter what: What could not be done, a sentence without its end.
    static func error(_ what: String, _ error: any Error) -> any Error {
        guard let code = (error as? SystemError)?.code, lasting.contains(code) else {
            return LauncherUnavailable(message: "\(what): \(error)")
        }
        return StackControllerError(code: .launcherUnusable, message: "\(what): \(error)")
    }
}
