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
///
/// The command writes to it directly, so that it waits for nobody, and outlives its controller. It inherits a lock with
/// the file, which lasts until the last process that writes to it has ended: a log that is in use is not removed,
/// whoever started its command.
enum LogFile {
    /// Opens the file for appending, and locks it. It is readable for its owner alone: builds can print secrets.
    ///
    /// - Throws: ``CommandLaunchError`` when something else has the file's name, which concerns this job alone.
    static func open(for job: JobID, in directory: String) throws -> OpenFile {
        let path = CommandLauncher.logFile(of: job, in: directory)
        do {
            for _ in 0..<100 {
                let file = try OwnedFile.open(path, O_WRONLY | O_CREAT | O_APPEND)
                // A file that was being removed meanwhile has lost its name.
                if !isLocked(file) || file.isNamed(path) { return file }
                file.close()
            }
            throw SystemError(code: EBUSY)
        } catch let refusal as OwnedFile.Refusal {
            throw CommandLaunchError(description: "The log file \(path) cannot be used: it \(refusal)")
        } catch SystemError(code: EACCES) where access(path, F_OK) == 0 {
            throw CommandLaunchError(description: "The log file \(path) cannot be used: it belongs to another user")
        } catch {
            throw StartFailure.error("The log file \(path) cannot be opened", error)
        }
    }

    /// Takes the lock that others may share, and waits for a controller that is just removing the file. On a file
    /// system without such locks, or when somebody else keeps the lock, the command goes without.
    private static func isLocked(_ file: OpenFile) -> Bool {
        for _ in 0..<1000 {
            if flock(file.descriptor, LOCK_SH | LOCK_NB) == 0 { return true }
            guard errno == EWOULDBLOCK || errno == EINTR else { return false }
            usleep(1000)
        }
        return false
    }
}
