import Foundation

/// A file without a name: a program reads it, or writes it while this process reads.
///
/// It owns its descriptors, which no program that this process starts inherits.
final class CollectedFile: Sendable {
    private let descriptor: Int32

    init(holding bytes: [UInt8] = []) throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("child-\(UUID().uuidString)").path
        descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.failure() }
        unlink(path)
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw Self.failure() }
            rest = rest.dropFirst(count)
        }
        lseek(descriptor, 0, SEEK_SET)
    }

    deinit { close(descriptor) }

    /// Another descriptor of the file, for whoever starts a program to hand over and to close. Its position is this
    /// file's own: programs read from the beginning, and write where the last one stopped.
    func duplicate() throws -> Int32 {
        let duplicate = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard duplicate >= 0 else { throw Self.failure() }
        return duplicate
    }

    /// Everything in it so far, wherever the program's own position is.
    var content: [UInt8] {
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = pread(descriptor, &buffer, buffer.count, off_t(content.count))
            guard count > 0 else { return content }
            content += buffer[..<count]
        }
    }

    static func failure() -> POSIXError { POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
}
