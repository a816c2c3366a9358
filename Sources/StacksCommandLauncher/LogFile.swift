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
        let path = FilePath(directory).appending(name(for: job))
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

    /// A name that stays in its directory, whatever the job is called.
    static func name(for job: JobID) -> String {
        let safe = job.description.map { character in
            character.isASCII && (character.isLetter || character.isNumber || character == "-") ? character : "_"
        }
        return String(safe) + ".log"
    }
}
