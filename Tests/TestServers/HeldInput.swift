import Foundation

/// The end that this process holds of a program's standard input: the program sees the end of its input when this goes
/// away, with this process at the latest.
final class HeldInput: Sendable {
    private let writing: Int32

    private init(writing: Int32) { self.writing = writing }

    deinit { close(writing) }

    /// Writes all bytes, and waits while the pipe is full.
    func write(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Foundation.write(writing, $0.baseAddress, $0.count) }
            if count > 0 { rest = rest.dropFirst(count) } else if errno != EINTR { throw CollectedFile.failure() }
        }
    }

    /// A pipe: what is held, and the descriptor for the program, which is whoever starts it to close.
    static func make() throws -> (held: HeldInput, reading: Int32) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw CollectedFile.failure() }
        // Programs are started without any descriptor but their own, so that none can get in between.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (HeldInput(writing: ends[1]), ends[0])
    }
}
