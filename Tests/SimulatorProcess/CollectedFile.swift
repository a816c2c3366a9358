import Foundation

/// A file without a name: a program reads it, or writes it while this process reads.
struct CollectedFile: Sendable {
    /// For the program to write to.
    let writing: FileHandle
    /// For a program to read from, from the beginning.
    let reading: FileHandle

    init(holding bytes: [UInt8] = []) throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("child-\(UUID().uuidString)")
        try Data(bytes).write(to: url, options: .withoutOverwriting)
        defer { try? FileManager.default.removeItem(at: url) }
        writing = try FileHandle(forWritingTo: url)
        reading = try FileHandle(forReadingFrom: url)
    }

    /// Everything in it so far, wherever the program's own position is.
    var content: [UInt8] {
        var content: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = pread(reading.fileDescriptor, &buffer, buffer.count, off_t(content.count))
            guard count > 0 else { return content }
            content += buffer[..<count]
        }
    }
}
