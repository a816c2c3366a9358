#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// What this process holds at one moment.
struct ProcessFigures {
    /// What each open descriptor is, where that can be told: two sockets of one number are two descriptors.
    var descriptors: Set<String> = []
    var threads = 0
    /// Threads that a transport made, by their name. Elsewhere than on Linux, 0.
    var transportThreads = 0
    /// Resident memory. Elsewhere than on Linux, 0.
    var residentKiB = 0

    static func now() -> ProcessFigures {
        var figures = ProcessFigures()
        #if os(Linux)
            figures.descriptors = Set(names(in: "/proc/self/fd").compactMap(descriptor))
            let threads = names(in: "/proc/self/task")
            figures.threads = threads.count
            figures.transportThreads =
                threads.filter { text(of: "/proc/self/task/\($0)/comm").hasPrefix("stacks-curl") }.count
            for line in text(of: "/proc/self/status").split(separator: "\n") where line.hasPrefix("VmRSS:") {
                figures.residentKiB = Int(line.filter(\.isNumber)) ?? 0
            }
        #else
            figures.descriptors = Set(names(in: "/dev/fd"))
        #endif
        return figures
    }

    /// What was left behind since `before`, in words.
    ///
    /// - Parameters:
    ///   - warm: Taken when everything was in use for the first time; memory may grow by so many MiB after that, or by
    ///     any amount if that is 0.
    func problems(since before: ProcessFigures, warm: ProcessFigures, memoryGrowth: Int) -> [String] {
        var problems: [String] = []
        // libdispatch makes the one timer descriptor of a process when it likes; no transport uses any.
        let left = descriptors.subtracting(before.descriptors).filter { !$0.hasSuffix("[timerfd]") }
        if !left.isEmpty { problems.append("descriptors are left open: \(left.sorted().joined(separator: ", "))") }
        if transportThreads > 0 { problems.append("\(transportThreads) threads of the transport are left") }
        let growth = (residentKiB - warm.residentKiB) / 1024
        if memoryGrowth > 0, growth > memoryGrowth { problems.append("resident memory grew by \(growth) MiB") }
        return problems
    }

    private static func names(in directory: String) -> [String] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names
    }

    /// A descriptor and what it leads to; `nil` for the one with which the directory itself was read.
    private static func descriptor(_ number: String) -> String? {
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = bytes.withUnsafeMutableBytes {
            readlink("/proc/self/fd/\(number)", $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
        }
        return count < 0 ? nil : "\(number) \(String(decoding: bytes.prefix(count), as: UTF8.self))"
    }

    private static func text(of path: String) -> String {
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 8192)
        let count = read(descriptor, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    }
}

/// Writes a line to standard output at once: what is buffered is lost in a crash.
func writeLine(_ line: String) {
    var rest = Array("\(line)\n".utf8)[...]
    while !rest.isEmpty {
        let written = rest.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
        guard written > 0 else { return }
        rest = rest.dropFirst(written)
    }
}
