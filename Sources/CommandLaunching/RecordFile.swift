import StacksAPI
import StacksController

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The file that a ``ProcessRecord`` is in. It is locked for as long as the process lives.
struct RecordFile: Sendable {
    let path: String

    /// Makes the file of a job that is about to be launched, and locks it.
    ///
    /// It appears under its name when it is complete and locked, so that nobody finds it any other way. The lock goes
    /// with the descriptor to the process that inherits it: it is gone when that process is, and not before.
    ///
    /// - Returns: The file, and what is open of it, to hand on.
    static func create(for job: JobID, in directory: String) throws -> (file: RecordFile, open: OpenFile) {
        guard let beginning = ProcessRecord.beginning(for: job) else {
            throw CommandLaunchError(description: "The job's name cannot be written down")
        }
        let path = "\(directory)/\(JobFileName.name(for: job, extension: "job"))"
        let new = "\(directory)/\(JobFileName.name(for: job, extension: "new"))"
        do {
            // What a launcher that died has left under this name is nobody's.
            unlink(new)
            let open = try OwnedFile.open(new, O_RDWR | O_CREAT | O_EXCL | O_APPEND)
            do {
                guard try FileLock.take(open) else { throw SystemError(code: EBUSY) }
                try open.write(beginning)
                guard rename(new, path) == 0 else { throw SystemError.last }
                return (RecordFile(path: path), open)
            } catch {
                open.close()
                unlink(new)
                throw error
            }
        } catch {
            throw StartFailure.error("The file \(path) in the state directory cannot be made", error)
        }
    }

    /// Whether the process lives. What cannot be found out counts as alive: nothing is started twice for that.
    var isHeld: Bool {
        do {
            let open = try OwnedFile.open(path, O_RDONLY)
            defer { open.close() }
            return try !FileLock.take(open)
        } catch {
            // What is no file of a launcher's is no record.
            return !(error is OwnedFile.Refusal) && (error as? SystemError) != SystemError(code: ENOENT)
        }
    }

    /// What has been written so far; nothing when there is no such file.
    func read() -> ProcessRecord { (try? contents()) ?? ProcessRecord(parsing: "") }

    /// What has been written so far, once it can be read: a file that cannot be opened for want of descriptors is not
    /// an empty one. Nothing when there is no such file.
    func readAtLast() async -> ProcessRecord {
        // A task of its own, awaited here: this one may be cancelled, and would not wait.
        await Task {
            while true {
                do { return try contents() } catch SystemError(code: EMFILE), SystemError(code: ENFILE) {
                    try? await Task.sleep(for: .milliseconds(100))
                } catch {
                    return ProcessRecord(parsing: "")
                }
            }
        }.value
    }

    private func contents() throws -> ProcessRecord {
        let open = try OwnedFile.open(path, O_RDONLY)
        defer { open.close() }
        // Some short lines.
        return ProcessRecord(parsing: try open.beginning(1024))
    }

    func remove() { unlink(path) }
}

/// The lock on an open file, which lasts until the last process that has inherited it has closed it.
enum FileLock {
    /// Takes it, or returns `false` when somebody has it.
    static func take(_ file: OpenFile) throws -> Bool {
        while flock(file.descriptor, LOCK_EX | LOCK_NB) != 0 {
            switch errno {
            case EINTR: continue
            case EWOULDBLOCK: return false
            case let code: throw SystemError(code: code)
            }
        }
        return true
    }
}
