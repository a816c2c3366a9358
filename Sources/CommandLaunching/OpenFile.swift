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

/// The error of a system call.
struct SystemError: Error, Hashable, CustomStringConvertible {
    /// Its `errno`.
    let code: Int32

    /// The error of the last call of this thread.
    static var last: SystemError { SystemError(code: errno) }

    /// Lets an error be caught by its code.
    static func ~= (pattern: SystemError, error: any Error) -> Bool { (error as? SystemError) == pattern }

    /// The C library's message.
    var description: String { String(cString: strerror(code)) }
}

/// An open file. The code that opened it closes it.
struct OpenFile: Sendable {
    /// The number of its descriptor.
    let descriptor: Int32

    /// Opens a file, which commands do not inherit under this number.
    init(_ path: String, _ flags: Int32, permissions: mode_t = 0o600) throws {
        let opened = open(path, flags | O_CLOEXEC, permissions)
        guard opened >= 0 else { throw SystemError.last }
        // This process may have closed a standard stream. Its number is that of a stream of the command.
        guard opened <= STDERR_FILENO else {
            descriptor = opened
            return
        }
        defer { Self.close(opened) }
        descriptor = fcntl(opened, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)
        guard descriptor >= 0 else { throw SystemError.last }
    }

    func close() { Self.close(descriptor) }

    private static func close(_ descriptor: Int32) {
        #if canImport(Darwin)
            Darwin.close(descriptor)
        #elseif canImport(Glibc)
            Glibc.close(descriptor)
        #elseif canImport(Musl)
            Musl.close(descriptor)
        #endif
    }

    /// Whether this file is the one at a path.
    func isNamed(_ path: String) -> Bool {
        var (own, named) = (stat(), stat())
        return fstat(descriptor, &own) == 0 && lstat(path, &named) == 0 && own.st_dev == named.st_dev
            && own.st_ino == named.st_ino
    }

    /// Whether a process has the file at this path open. Linux shows that to processes of the same user; elsewhere `false`.
    static func isOpen(_ path: String, by process: pid_t) -> Bool {
        var file = stat()
        guard lstat(path, &file) == 0 else { return false }
        let descriptors = "/proc/\(process)/fd"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: descriptors)) ?? []
        return names.contains { name in
            var opened = stat()
            return stat("\(descriptors)/\(name)", &opened) == 0 && opened.st_dev == file.st_dev
                && opened.st_ino == file.st_ino
        }
    }

    /// Writes all of it.
    func write(_ text: String) throws {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Self.write(descriptor, $0) }
            guard count >= 0 else {
                if errno == EINTR { continue }
                throw SystemError.last
            }
            rest = rest.dropFirst(count)
        }
    }

    private static func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
        #if canImport(Darwin)
            Darwin.write(descriptor, bytes.baseAddress, bytes.count)
        #elseif canImport(Glibc)
            Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        #elseif canImport(Musl)
            Musl.write(descriptor, bytes.baseAddress, bytes.count)
        #endif
    }

    /// The bytes at a place, at most `count`.
    func read(_ count: Int, at place: Int) throws -> [UInt8] {
        while true {
            var length = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
                length = pread(descriptor, buffer.baseAddress, count, off_t(place))
                initialized = max(0, length)
            }
            if length >= 0 { return bytes }
            guard errno == EINTR else { throw SystemError.last }
        }
    }

    /// Writes all of it at a place. The file must not be open for appending, which would write at the end.
    func write(_ bytes: [UInt8], at place: Int) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                pwrite(descriptor, $0.baseAddress, $0.count, off_t(place + bytes.count - rest.count))
            }
            guard count >= 0 else {
                if errno == EINTR { continue }
                throw SystemError.last
            }
            rest = rest.dropFirst(count)
        }
    }

    /// The first bytes, at most `count`.
    func beginning(_ count: Int) throws -> String {
        var length = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            length = pread(descriptor, buffer.baseAddress, count, 0)
            initialized = max(0, length)
        }
        guard length >= 0 else { throw SystemError.last }
        return String(decoding: bytes, as: UTF8.self)
    }
}
