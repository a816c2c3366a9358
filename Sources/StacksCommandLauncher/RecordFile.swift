import StacksAPI
import StacksController

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif
#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// The file that a ``ProcessRecord`` is in. It is locked for as long as the process lives.
struct RecordFile: Sendable {
    let path: FilePath

    /// Makes the file of a job that is about to be launched, and locks it.
    ///
    /// It appears under its name when it is complete and locked, so that nobody finds it any other way. The lock goes
    /// with the descriptor to the process that inherits it: it is gone when that process is, and not before.
    ///
    /// - Returns: The file, and the descriptor to hand on.
    static func create(for job: JobID, in directory: FilePath) throws -> (file: RecordFile, descriptor: FileDescriptor)
    {
        guard let beginning = ProcessRecord.beginning(for: job) else {
            throw CommandLaunchError(description: "The job's name cannot be written down")
        }
        let path = directory.appending(JobFile.name(for: job, extension: "job"))
        let new = directory.appending(JobFile.name(for: job, extension: "new"))
        do {
            let descriptor = try FileDescriptor.open(
                new, .readWrite, options: [.create, .truncate, .append, .closeOnExec],
                permissions: [.ownerRead, .ownerWrite])
            do {
                guard try FileLock.take(descriptor) else { throw Errno.resourceBusy }
                try descriptor.writeAll(beginning.utf8)
                guard rename(new.string, path.string) == 0 else { throw Errno(rawValue: errno) }
                return (RecordFile(path: path), descriptor)
            } catch {
                try? descriptor.close()
                throw error
            }
        } catch {
            throw StackControllerError(
                code: .launcherUnusable, message: "The file \(path) in the state directory cannot be made: \(error)")
        }
    }

    /// Whether the process lives. What cannot be found out counts as alive: nothing is started twice for that.
    var isHeld: Bool {
        do {
            let descriptor = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec])
            defer { try? descriptor.close() }
            return try !FileLock.take(descriptor)
        } catch {
            return (error as? Errno) != .noSuchFileOrDirectory
        }
    }

    /// What has been written so far; nothing when there is no such file.
    func read() -> ProcessRecord {
        guard let descriptor = try? FileDescriptor.open(path, .readOnly, options: [.closeOnExec]) else {
            return ProcessRecord(parsing: "")
        }
        defer { try? descriptor.close() }
        // Three short lines.
        let bytes = [UInt8](unsafeUninitializedCapacity: 1024) { buffer, count in
            count = (try? descriptor.read(into: UnsafeMutableRawBufferPointer(buffer))) ?? 0
        }
        return ProcessRecord(parsing: String(decoding: bytes, as: UTF8.self))
    }

    func remove() { unlink(path.string) }
}

/// The lock on an open file, which lasts until the last process that has inherited it has closed it.
enum FileLock {
    /// Takes it, or returns `false` when somebody has it.
    static func take(_ descriptor: FileDescriptor) throws -> Bool {
        while flock(descriptor.rawValue, LOCK_EX | LOCK_NB) != 0 {
            switch errno {
            case EINTR: continue
            case EWOULDBLOCK: return false
            case let code: throw Errno(rawValue: code)
            }
        }
        return true
    }
}
