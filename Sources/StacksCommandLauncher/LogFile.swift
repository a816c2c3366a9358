import StacksAPI
import StacksController

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// The file that takes one job's output.
enum LogFile {
    /// Opens the file for appending, readable for its owner alone: builds print what others should not read.
    static func open(for job: JobID, in directory: String) throws -> FileDescriptor {
        let path = FilePath(directory).appending(JobFile.name(for: job, extension: "log"))
        do {
            return try FileDescriptor.open(
                path,
                .writeOnly,
                options: [.create, .append, .closeOnExec],
                permissions: [.ownerRead, .ownerWrite]
            )
        } catch {
            throw StackControllerError(
                code: .launcherUnusable, message: "The log file \(path) cannot be opened: \(error)")
        }
    }
}
