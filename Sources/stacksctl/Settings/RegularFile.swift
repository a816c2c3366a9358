import StacksTransport

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A small file of the operator's, which is read whole: the configuration, a token.
struct RegularFile: Sendable {
    /// What tells one content of the file from the next, without reading it.
    struct Version: Equatable, Sendable {
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

    let path: String
    /// The most bytes that it may have.
    let limit: Int

    /// The version that is there now; `nil` if there is no file.
    var version: Version? {
        var status = stat()
        return stat(path, &status) == 0 ? Version(status) : nil
    }

    /// The file's content.
    ///
    /// - Throws: `ConfigurationError` when it cannot be read, is no regular file, or is longer than the limit.
    func bytes() throws -> [UInt8] {
        // A FIFO would block here until somebody writes to it.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else { throw failure(String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure(String(cString: strerror(errno))) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw failure("it is no regular file") }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while bytes.count <= limit {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure(String(cString: strerror(errno))) }
            if count == 0 { break }
            bytes += buffer[..<count]
        }
        guard bytes.count <= limit else { throw failure("it has more than \(limit) bytes") }
        return bytes
    }

    /// The file's content, as ``bytes()``.
    ///
    /// - Throws: `ConfigurationError`, also when it is not UTF-8.
    func text() throws -> String {
        guard let text = String(validating: try bytes(), as: UTF8.self) else { throw failure("it is not UTF-8") }
        return text
    }

    private func failure(_ reason: String) -> ConfigurationError {
        ConfigurationError("The file \(path) cannot be used: \(reason)")
    }
}
