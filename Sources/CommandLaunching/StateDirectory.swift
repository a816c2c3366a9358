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

/// The directory in which a launcher writes down what runs. It owns the lock that keeps a second launcher out, which
/// the system takes away with the process, however that ends.
final class StateDirectory: Sendable {
    private let path: String
    private let lock: OpenFile
    /// What ``find()`` has found and nobody follows yet.
    private let found = Mutex<[JobID: RecordFile]>([:])

    /// Makes the directory if need be, and locks it.
    ///
    /// - Throws: `ConfigurationError` when that is not possible, others can write to it, or another launcher has it.
    init(_ path: String) throws {
        // With a slash at its end a symbolic link would be followed wherever the path is looked at.
        let path = path.count > 1 ? String(path.reversed().drop { $0 == "/" }.reversed()) : path
        guard !path.isEmpty else {
            throw ConfigurationError("The state directory's path is empty, or the root directory")
        }
        self.path = path
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw ConfigurationError("The state directory \(path) cannot be made: \(SystemError.last)")
        }
        // Who can write there can have this process signal others, and overwrite what it can write to.
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
            // For whoever is refused. A controller that died has left its own number.
            guard ftruncate(lock.descriptor, 0) == 0 else { throw SystemError.last }
            try lock.write("\(getpid())\n")
        } catch {
            lock.close()
            if error is ConfigurationError { throw error }
            throw ConfigurationError("The state directory \(path) cannot be locked: \(error)")
        }
    }

    deinit { lock.close() }

    /// The directory that a path's last part is in.
    private static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The process that has the lock, as far as it says so.
    private static func owner(_ lock: OpenFile) -> String {
        let text = (try? lock.beginning(32)) ?? ""
        return Int(text.filter { !$0.isNewline }).map { " (process \($0))" } ?? ""
    }

    /// Makes the record of a job that is about to be launched; see ``RecordFile/create(for:in:)``.
    func record(_ job: JobID) throws -> (file: RecordFile, open: OpenFile) {
        try RecordFile.create(for: job, in: path)
    }

    /// The file that tells a command about its job.
    func jobFile(_ job: JobID) -> JobFile { JobFile(for: job, in: path) }

    /// The jobs that an earlier launcher has left here: what still runs, and what has ended since.
    ///
    /// To be called once, before the first ``record(_:)``: a file that is being made looks like one that was left.
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
            if name.hasSuffix(".job"), let job = file.read().job {
                records[job] = file
            } else if name.hasSuffix(".new") || (name.hasSuffix(".job") && !file.isHeld) {
                // Not finished, so that nothing was started for it; or emptied by a crash of the whole machine.
                file.remove()
            }
        }
        // Of jobs without a record nothing runs.
        let kept = Set(records.keys.map { JobFileName.name(for: $0, extension: "json") })
        for name in names where name.hasSuffix(".json") && !kept.contains(name) { unlink("\(path)/\(name)") }
        found.withLock { [records] in $0 = records }
        return records.keys.sorted()
    }

    /// The record of a job that was found, once.
    func take(_ job: JobID) -> RecordFile? { found.withLock { $0.removeValue(forKey: job) } }
}
