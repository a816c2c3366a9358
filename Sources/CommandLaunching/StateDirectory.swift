import StacksAPI
import StacksController
import StacksTransport
import Synchronization

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif
#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The directory in which a launcher keeps records of what runs. It owns the lock that keeps a second launcher out; the
/// system releases that lock when the process ends, however it ends.
final class StateDirectory: Sendable {
    private let path: String
    private let lock: OpenFile
    /// What ``find()`` has found and ``take(_:)`` has not returned yet.
    private let found = Mutex<[JobID: RecordFile]>([:])

    /// Creates the directory if it does not exist, and locks it.
    ///
    /// - Throws: `ConfigurationError` when that fails, others can write to it, or another launcher uses it.
    init(_ path: String) throws {
        // The system follows a symbolic link whose path ends with a slash.
        let path = path.count > 1 ? String(path.reversed().drop { $0 == "/" }.reversed()) : path
        guard !path.isEmpty else {
            throw ConfigurationError("The state directory's path is empty, or the root directory")
        }
        self.path = path
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw ConfigurationError("The state directory \(path) cannot be made: \(SystemError.last)")
        }
        // A user who can write there could have this process signal other processes, and overwrite files.
        if let problem = TrustedDirectory.problem(withOwn: self.path) {
            throw ConfigurationError("The state directory \(path) cannot be trusted: \(problem)")
        }
        let parent = Self.parent(of: path)
        if let problem = TrustedDirectory.problem(withShared: parent) {
            throw ConfigurationError("The state directory's parent \(parent) cannot be trusted: \(problem)")
        }
        do {
            lock = try OwnedFile.open("\(path)/lock", O_RDWR | O_CREAT)
        } catch let refusal as OwnedFile.Refusal {
            throw ConfigurationError("The state directory \(path) cannot be used: its file lock \(refusal)")
        } catch {
            throw ConfigurationError("The state directory \(path) cannot be used: \(error)")
        }
        do {
            guard try FileLock.take(lock) else {
                throw ConfigurationError(
                    "The state directory \(path) is used by another controller\(Self.owner(lock)). "
                        + "A stack's key belongs to one controller at a time")
            }
            // For the message to a launcher that is refused. A controller that died has left its own number.
            guard ftruncate(lock.descriptor, 0) == 0 else { throw SystemError.last }
            try lock.write("\(getpid())\n")
        } catch {
            lock.close()
            if error is ConfigurationError { throw error }
            throw ConfigurationError("The state directory \(path) cannot be locked: \(error)")
        }
    }

    deinit { lock.close() }

    /// The parent directory of a path.
    private static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The process that has the lock, as far as the file says.
    private static func owner(_ lock: OpenFile) -> String {
        let text = (try? lock.beginning(32)) ?? ""
        return Int(text.filter { !$0.isNewline }).map { " (process \($0))" } ?? ""
    }

    /// Creates the record of a job that is about to be launched: see ``RecordFile/create(for:in:)``.
    func record(_ job: JobID) throws -> (file: RecordFile, open: OpenFile) {
        try RecordFile.create(for: job, in: path)
    }

    /// The file that tells a command about its job.
    func jobFile(_ job: JobID) -> JobFile { JobFile(for: job, in: path) }

    /// The jobs whose records an earlier launcher has left here: their commands still run, or have ended since.
    ///
    /// Call it once, before the first ``record(_:)``: a file that is being created looks like one that was left.
    func find() throws -> [JobID] {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: path)
        } catch {
            throw StackControllerError(
                code: .launcherUnusable, message: "The state directory \(path) cannot be read: \(error)")
        }
        var records: [JobID: RecordFile] = [:]
        for name in names {
            let file = RecordFile(path: "\(path)/\(name)")
            if name.hasSuffix(".job") {
                // Without a job it is no record, or one that a crash of the whole machine has emptied.
                if let job = try job(of: file, named: name) { records[job] = file } else { file.remove() }
            } else if name.hasSuffix(".new") {
                // It was not finished, so nothing was started for it.
                file.remove()
            }
        }
        // Of jobs without a record nothing runs.
        let kept = Set(records.keys.map { JobFileName.name(for: $0, extension: "json") })
        for name in names where name.hasSuffix(".json") && !kept.contains(name) { unlink("\(path)/\(name)") }
        found.withLock { [records] in $0 = records }
        return records.keys.sorted()
    }

    /// The job of a record, or `nil` when no command can belong to it. A record that cannot be read is not removed, because
    /// its command may run: then the file's name says which job it is.
    ///
    /// - Throws: `StackControllerError` when neither the record nor its name tells.
    private func job(of file: RecordFile, named name: String) throws -> JobID? {
        let problem: String
        do {
            if let job = try file.read()?.job { return job }
            guard try file.isHeld() else { return nil }
            problem = "it is empty, and a command holds it"
        } catch {
            problem = RecordFile.reason(error)
        }
        if let job = JobFileName.job(in: name) { return job }
        throw StackControllerError(
            code: .launcherUnusable,
            message: "The record \(file.path) cannot be read: \(problem). Its command may still run: remove the file once it "
                + "does not")
    }

    /// The record of a job that was found, once.
    func take(_ job: JobID) -> RecordFile? { found.withLock { $0.removeValue(forKey: job) } }
}
