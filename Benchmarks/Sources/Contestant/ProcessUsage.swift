import ProcessProbe

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// What this process has used so far.
package enum ProcessUsage {
    #if canImport(Glibc)
        private static let thisProcess = RUSAGE_SELF.rawValue
    #else
        private static let thisProcess = RUSAGE_SELF
    #endif

    /// A clock that never goes back, in nanoseconds since an arbitrary instant.
    package static var clockNanoseconds: UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// CPU time, user and system, in nanoseconds.
    package static var cpuNanoseconds: Int {
        var usage = rusage()
        getrusage(thisProcess, &usage)
        func nanoseconds(_ time: timeval) -> Int { Int(time.tv_sec) * 1_000_000_000 + Int(time.tv_usec) * 1000 }
        return nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime)
    }

    /// CPU time of the calling thread, in nanoseconds.
    package static var threadCPUNanoseconds: Int {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Int(time.tv_sec) * 1_000_000_000 + Int(time.tv_nsec)
    }

    /// Whether a thread besides the calling one runs or could.
    ///
    /// Where the kernel does not say it, they have two milliseconds to come to rest.
    package static var isAnyOtherThreadRunning: Bool {
        #if canImport(Darwin)
            usleep(2000)
            return false
        #else
            // The caller's own, which need not be the first one.
            guard let own = realpath("/proc/thread-self", nil) else { return false }
            defer { free(own) }
            let ownName = String(cString: own).split(separator: "/").last
            guard let directory = opendir("/proc/self/task") else { return false }
            defer { closedir(directory) }
            while let entry = readdir(directory) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                if name.hasPrefix(".") || name[...] == ownName ?? "" { continue }
                // The state follows the name in parentheses; a thread that has just ended has no file.
                let text = contents("/proc/self/task/\(name)/stat", capacity: 512)
                if let end = text.lastIndex(of: ")"), text[end...].hasPrefix(") R") { return true }
            }
            return false
        #endif
    }

    /// Instructions, the kernel's included, or `nil` where the machine does not count them or does not tell.
    package static var instructions: Int? {
        let count = probe_instructions()
        return count >= 0 ? Int(count) : nil
    }

    /// The most memory that was resident, in bytes.
    ///
    /// On Linux `ru_maxrss` begins with that of the process which started this one, so the kernel's own high-water mark
    /// is read instead (<https://man7.org/linux/man-pages/man5/proc_pid_status.5.html>).
    package static var peakMemoryBytes: Int {
        #if canImport(Darwin)
            var usage = rusage()
            getrusage(thisProcess, &usage)
            return usage.ru_maxrss
        #else
            return status("VmHWM:")
        #endif
    }

    /// The memory that is resident, in bytes.
    package static var residentMemoryBytes: Int {
        #if canImport(Darwin)
            // Asking for it takes the kernel's own interface there; the peak bounds it.
            return peakMemoryBytes
        #else
            return status("VmRSS:")
        #endif
    }

    /// As much of it as belongs to this process alone and to no file: the heap and the stacks.
    package static var anonymousMemoryBytes: Int {
        #if canImport(Darwin)
            return 0
        #else
            return status("RssAnon:")
        #endif
    }

    #if !canImport(Darwin)
        /// What the kernel says of this process, in bytes.
        private static func status(_ name: String) -> Int {
            for line in contents("/proc/self/status", capacity: 4096).split(separator: "\n") where line.hasPrefix(name)
            {
                return (Int(line.filter(\.isNumber)) ?? 0) * 1024
            }
            return 0
        }

        /// A small file, or nothing.
        private static func contents(_ path: String, capacity: Int) -> String {
            let file = open(path, O_RDONLY)
            guard file >= 0 else { return "" }
            defer { close(file) }
            var bytes = [UInt8](repeating: 0, count: capacity)
            let count = read(file, &bytes, bytes.count)
            return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
        }
    #endif
}
