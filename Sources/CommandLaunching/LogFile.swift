public import StacksAPI
import StacksController

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

extension CommandLauncher {
    /// The path of the file with the output of a job, when the output goes to files in `directory`.
    public static func logFile(of job: JobID, in directory: String) -> String {
        "\(directory)/\(JobFileName.name(for: job, extension: "log"))"
    }
}

/// The file with the output of one job.
enum LogFile {
    /// Opens the file for appending. It is readable for its owner alone: builds can print secrets.
    ///
    /// - Throws: ``CommandLaunchError`` when something else has the file's name, which concerns this job alone.
    static func open(for job: JobID, in directory: String) throws -> OpenFile {
        let path = CommandLauncher.logFile(of: job, in: directory)
        do {
            return try OwnedFile.open(path, O_WRONLY | O_CREAT | O_APPEND)
        } catch let refusal as OwnedFile.Refusal {
            throw CommandLaunchError(description: "The log file \(path) cannot be used: it \(refusal)")
        } catch SystemError(code: EACCES) where access(path, F_OK) == 0 {
            throw CommandLaunchError(description: "The log file \(path) cannot be used: it belongs to another user")
        } catch {
            throw StartFailure.error("The log file \(path) cannot be opened", error)
        }
    }
}
