#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A file of the operator's that is read whole: a certificate, a token, a configuration.
///
/// Whatever its path leads to, reading it neither blocks nor takes more memory than the limit.
package struct RegularFile: Sendable {
    /// What tells one content of a file from the next, without reading it.
    package struct Version: Equatable, Sendable {
        private let numbers: [Int]

        fileprivate init(_ status: stat) {
            #if canImport(Darwin)
                let (modified, changed) = (status.st_mtimespec, status.st_ctimespec)
            #else
                let (modified, changed) = (status.st_mtim, status.st_ctim)
            #endif
            numbers = [
                Int(status.st_dev), Int(status.st_ino), Int(status.st_size), modified.tv_sec, modified.tv_nsec,
                changed.tv_sec, changed.tv_nsec,
            ]
        }
    }

    package let path: String
    /// How a message names the file, before its path: "the CA file".
    private let what: String
    /// The most bytes that it may have.
    private let limit: Int

    package init(_ what: String, path: String, limit: Int) {
        self.what = what
        self.path = path
        self.limit = limit
    }

    /// The version that is there now; `nil` if there is no file.
    package var version: Version? {
        var status = stat()
        return stat(path, &status) == 0 ? Version(status) : nil
    }

    /// The file's content.
    ///
    /// - Throws: `ConfigurationError` when it cannot be read, is not a regular file, or is longer than the limit.
    package func bytes() throws(ConfigurationError) -> [UInt8] {
        // Without O_NONBLOCK, opening a FIFO blocks until somebody writes to it.
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard file >= 0 else { throw unreadable(errno) }
        defer { _ = close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw unreadable(errno) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw problem("is \(Self.kind(status.st_mode)): it must be a regular file")
        }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = read(file, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw unreadable(errno) }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            // Checked while reading, because `st_size` may be outdated or 0.
            guard bytes.count <= limit else { throw problem("exceeds \(Self.size(limit))") }
        }
    }

    /// The file's content, as ``bytes()``.
    ///
    /// - Throws: `ConfigurationError`, also when it is not UTF-8.
    package func text() throws(ConfigurationError) -> String {
        guard let text = String(validating: try bytes(), as: UTF8.self) else { throw problem("is not UTF-8") }
        return text
    }

    private func unreadable(_ number: Int32) -> ConfigurationError {
        problem("cannot be read: \(String(cString: strerror(number)))")
    }

    private func problem(_ text: String) -> ConfigurationError { ConfigurationError("\(what) \(path) \(text)") }

    private static func kind(_ mode: mode_t) -> String {
        switch mode & S_IFMT {
        case S_IFDIR: "a directory"
        case S_IFIFO: "a FIFO"
        case S_IFSOCK: "a socket"
        default: "a device"
        }
    }

    private static func size(_ limit: Int) -> String {
        limit > 0 && limit.isMultiple(of: 1 << 20) ? "\(limit >> 20) MiB" : "\(limit) bytes"
    }
}
