import StacksTransport

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Reads the files that a configuration names before libcurl opens them: on a FIFO without a writer, libcurl would block
/// the I/O thread for ever.
enum ConfiguredFile {
    /// The largest file that is accepted, in bytes. The CA bundle of an operating system has about 256 KiB.
    private static var maximumSize: Int { 16 * 1024 * 1024 }

    /// The content of the file.
    ///
    /// - Parameter what: How a message names the file.
    static func content(of what: String, _ path: String) throws(ConfigurationError) -> [UInt8] {
        // Without O_NONBLOCK, opening a FIFO blocks.
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        if file < 0 { throw unreadable(what, path, errno) }
        defer { _ = close(file) }
        var status = stat()
        guard unsafe fstat(file, &status) == 0 else { throw unreadable(what, path, errno) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw ConfigurationError("\(what) \(path) is \(kind(status.st_mode)): it must be a regular file")
        }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = unsafe read(file, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            if count < 0 { throw unreadable(what, path, errno) }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            // Checked while reading, because `st_size` may be outdated or 0.
            if bytes.count > maximumSize {
                throw ConfigurationError("\(what) \(path) exceeds \(maximumSize >> 20) MiB")
            }
        }
    }

    private static func unreadable(_ what: String, _ path: String, _ problem: Int32) -> ConfigurationError {
        ConfigurationError("\(what) \(path) cannot be read: \(unsafe String(cString: strerror(problem)))")
    }

    private static func kind(_ mode: mode_t) -> String {
        switch mode & S_IFMT {
        case S_IFDIR: "a directory"
        case S_IFIFO: "a FIFO"
        case S_IFSOCK: "a socket"
        default: "a device"
        }
    }
}
