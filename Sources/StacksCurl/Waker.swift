import StacksTransport

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Owns a pipe whose read end the I/O thread polls. A byte in the pipe wakes the thread.
///
/// The mailbox owns this value, and both callers and the I/O thread hold the mailbox. A late wake-up has no effect, but
/// never writes to a closed descriptor that has been reused.
struct Waker: ~Copyable {
    /// The descriptor to poll for reading.
    let readEnd: Int32
    private let writeEnd: Int32

    init() throws(ConfigurationError) {
        var ends: (Int32, Int32) = (-1, -1)
        let result = unsafe withUnsafeMutableBytes(of: &ends) {
            unsafe pipe($0.baseAddress!.assumingMemoryBound(to: Int32.self))
        }
        guard result == 0 else { throw ConfigurationError(systemCall: "pipe", errno: errno) }
        (readEnd, writeEnd) = ends
        for end in [readEnd, writeEnd] {
            _ = fcntl(end, F_SETFL, fcntl(end, F_GETFL) | O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
    }

    deinit {
        _ = close(readEnd)
        _ = close(writeEnd)
    }

    /// Makes the read end readable. If the pipe is full, it is readable already.
    func wake() {
        var byte: UInt8 = 1
        _ = unsafe write(writeEnd, &byte, 1)
    }

    /// Empties the pipe, so that the next `poll` sleeps.
    func clear() {
        var bytes: UInt64 = 0
        while unsafe read(readEnd, &bytes, 8) == 8 {}
    }
}
