import StacksAPI
import StacksController

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The file that a ``ProcessRecord`` is in. The process that the record is about holds a lock on it.
struct RecordFile: Sendable {
    let path: String

    /// Makes the file of a job that is about to be launched, and locks it.
    ///
    /// The file gets its name when it is complete and locked, so that nobody sees it in another state. The process that
    /// inherits the descriptor holds the lock until it ends.
    ///
    /// - Returns: The file, and its open descriptor for that process.
    /// - Throws: ``RunsAlready`` when an earlier command for the job still runs; ``CommandLaunchError`` when that cannot be
    ///   found out, or the job's name is not fit for a file; otherwise what ``StartFailure`` makes of the error.
    static func create(for job: JobID, in directory: String) throws -> (file: RecordFile, open: OpenFile) {
        guard let beginning = ProcessRecord.beginning(for: job) else {
            throw CommandLaunchError(description: "The job's name cannot be written down")
        }
        let path = "\(directory)/\(JobFileName.name(for: job, extension: "job"))"
        let new = "\(directory)/\(JobFileName.name(for: job, extension: "new"))"
        do {
            if try RecordFile(path: path).runs() { throw RunsAlready() }
        } catch let refusal as OwnedFile.Refusal {
            throw CommandLaunchError(
                description: "The record \(path) may be that of a command that runs, and cannot be read: it \(refusal)")
        } catch SystemError(code: EACCES) where access(path, F_OK) == 0 {
            throw CommandLaunchError(
                description: "The record \(path) may be that of a command that runs, and cannot be read: it belongs to "
                    + "another user")
        } catch let error as SystemError {
            throw StartFailure.error("The record \(path) cannot be read", error)
        }
        do {
            // A launcher that died may have left an unfinished file.
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

    // MARK: Looking at it

    /// The file, opened for reading; `nil` when there is none. Whatever is no regular file was not made by a launcher, and
    /// is no record. A record that somebody has linked to a second name is one.
    private func open() throws -> OpenFile? {
        do {
            return try OwnedFile.open(path, O_RDONLY, allowsOtherNames: true)
        } catch SystemError(code: ENOENT), OwnedFile.Refusal.symbolicLink, OwnedFile.Refusal.notRegular {
            return nil
        }
    }

    /// Whether the shell beside the command holds the file: it does for as long as it lives.
    func isHeld() throws -> Bool {
        guard let open = try open() else { return false }
        defer { open.close() }
        return try !FileLock.take(open)
    }

    /// Whether the command runs: the shell beside it holds the file, or was killed and has left the command behind.
    func runs() throws -> Bool {
        if try isHeld() { return true }
        guard let record = try read(), let process = record.process, record.isOpen, record.isOfThisBoot else {
            return false
        }
        return ProcessGroup(leader: process).isOrphaned
    }

    /// What has been written so far; `nil` when there is no such file.
    func read() throws -> ProcessRecord? {
        guard let open = try open() else { return nil }
        defer { open.close() }
        // Some short lines.
        return ProcessRecord(parsing: try open.beginning(1024))
    }

    /// How long it may take by default until the file can be looked at.
    static let patience = Duration.seconds(10)

    /// What `look` returns, once it does not throw.
    ///
    /// While there are too few descriptors this waits for as long as that lasts: it says nothing about the command. Any
    /// other error that lasts is thrown.
    ///
    /// - Parameter patience: How long other errors may last.
    /// - Throws: ``CommandLaunchError``, which names the file.
    func looking<Value: Sendable>(
        for patience: Duration = RecordFile.patience, _ look: @escaping @Sendable (RecordFile) throws -> Value
    ) async throws -> Value {
        // A task of its own, awaited here: this one may be cancelled, and would not wait.
        try await Task {
            let deadline = ContinuousClock.now.advanced(by: patience)
            while true {
                do {
                    return try look(self)
                } catch SystemError(code: EMFILE), SystemError(code: ENFILE) {
                } catch let error where ContinuousClock.now >= deadline {
                    throw CommandLaunchError(description: "The record \(path) cannot be read: \(Self.reason(error))")
                } catch {}
                try? await Task.sleep(for: .milliseconds(100))
            }
        }.value
    }

    /// Why a file cannot be looked at, in words that follow a colon.
    static func reason(_ error: any Error) -> String { error is OwnedFile.Refusal ? "it \(error)" : "\(error)" }

    func remove() { unlink(path) }
}

/// An earlier command for a job still runs, because it could not be stopped.
struct RunsAlready: Error {}

/// The lock on an open file. It lasts until every process that has inherited the file has closed it.
enum FileLock {
    /// Takes the lock, or returns `false` when another process has it.
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
