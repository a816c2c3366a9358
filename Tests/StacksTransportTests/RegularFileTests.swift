import Foundation
import StacksTransport
import Testing

@Suite("A regular file that is read whole")
struct RegularFileTests {
    private func with(_ content: [UInt8]?, _ body: (String) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("file-\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        if let content { try Data(content).write(to: URL(fileURLWithPath: path)) }
        try body(path)
    }

    private func refusal(_ path: String, limit: Int = 100, text: Bool = false) -> String? {
        let file = RegularFile("the token", path: path, limit: limit)
        do throws(ConfigurationError) {
            if text { _ = try file.text() } else { _ = try file.bytes() }
            return nil
        } catch {
            return error.message
        }
    }

    @Test("has what was written, up to its limit", arguments: [0, 1, 65_536, 200_000])
    func content(count: Int) throws {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        try with(bytes) { path in
            let read = try RegularFile("the token", path: path, limit: count).bytes()
            #expect(read == bytes)
            guard count > 0 else { return }
            #expect(refusal(path, limit: count - 1) == "the token \(path) exceeds \(count - 1) bytes")
        }
    }

    @Test("longer than a limit in mebibytes says so in mebibytes")
    func mebibytes() throws {
        try with(Array(repeating: 0, count: (1 << 20) + 1)) { path in
            #expect(refusal(path, limit: 1 << 20) == "the token \(path) exceeds 1 MiB")
        }
    }

    @Test("is text when it is UTF-8")
    func text() throws {
        try with(Array("é\n".utf8)) { path in
            let text = try RegularFile("the token", path: path, limit: 100).text()
            #expect(text == "é\n")
        }
        try with([0xFF]) { path in #expect(refusal(path, text: true) == "the token \(path) is not UTF-8") }
    }

    @Test("is read through a symbolic link")
    func link() throws {
        try with([1, 2]) { path in
            try with(nil) { link in
                try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path)
                let read = try RegularFile("the token", path: link, limit: 2).bytes()
                #expect(read == [1, 2])
            }
        }
    }

    @Test("is nothing else, and nothing else blocks")
    func others() throws {
        try with(nil) { path in
            #expect(refusal(path) == "the token \(path) cannot be read: No such file or directory")
            try #require(mkfifo(path, 0o600) == 0)
            #expect(refusal(path) == "the token \(path) is a FIFO: it must be a regular file")
        }
        #expect(refusal("/") == "the token / is a directory: it must be a regular file")
        #expect(refusal("/dev/zero") == "the token /dev/zero is a device: it must be a regular file")
    }

    @Test("has another version when it is written to or replaced, and none when it is gone")
    func versions() throws {
        try with([1]) { path in
            let file = RegularFile("the token", path: path, limit: 100)
            let first = try #require(file.version)
            #expect(file.version == first)
            try Data([1, 2]).write(to: URL(fileURLWithPath: path))
            let second = try #require(file.version)
            #expect(second != first)
            try Data([1, 2]).write(to: URL(fileURLWithPath: path), options: .atomic)
            #expect(file.version != second)
            try FileManager.default.removeItem(atPath: path)
            #expect(file.version == nil)
        }
    }
}
