import StacksAPI
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

/// The directory with the logs of jobs, of which the oldest are removed.
struct LogDirectory: Sendable {
    let path: String

    /// The logs of the jobs that this process runs, by path, with how often each was named. A command that has
    /// redirected its output holds no lock on its log.
    private static let inUse = Mutex<[String: Int]>([:])

    /// Keeps the log of a job that is about to run.
    static func begin(_ path: String) { inUse.withLock { $0[path, default: 0] += 1 } }

    /// The job has ended.
    static func end(_ path: String) {
        inUse.withLock { inUse in
            guard let count = inUse[path] else { return }
            inUse[path] = count > 1 ? count - 1 : nil
        }
    }

    /// Removes the oldest logs of ended jobs, all but `kept`. What cannot be removed stays, and costs no other its
    /// place.
    func removeOldest(keeping kept: Int) {
        var logs = logs()
        guard logs.count > kept else { return }
        logs.sort { $0.changed == $1.changed ? $0.path < $1.path : $0.changed < $1.changed }
        for log in logs.prefix(logs.count - kept) { Self.remove(log.path) }
    }

    private struct Log {
        let path: String
        let changed: Duration
    }

    /// What has the name of a job's log, is one, and is not that of a job that runs here.
    private func logs() -> [Log] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        let inUse = Self.inUse.withLock { $0 }
        return names.compactMap { name in
            guard let job = JobFileName.job(in: name), JobFileName.name(for: job, extension: "log") == name else {
                return nil
            }
            let path = "\(self.path)/\(name)"
            var status = stat()
            guard inUse[path] == nil, lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
                status.st_uid == geteuid(), status.st_nlink == 1
            else { return nil }
            return Log(path: path, changed: status.changed)
        }
    }

    /// Removes a log, unless a process still writes to it.
    private static func remove(_ path: String) {
        guard let file = try? OwnedFile.open(path, O_WRONLY) else { return }
        defer { file.close() }
        // Whoever opens it now waits for the lock, and then sees that the name is gone.
        guard (try? FileLock.take(file)) == true, file.isNamed(path), inUse.withLock({ $0[path] == nil }) else {
            return
        }
        unlink(path)
    }
}

extension stat {
    /// When the file was written to last.
    fileprivate var changed: Duration {
        #if canImport(Darwin)
            let time = st_mtimespec
        #else
            let time = st_mtim
        #endif
        return .seconds(Int64(time.tv_sec)) + .nanoseconds(Int64(time.tv_nsec))
    }
}
