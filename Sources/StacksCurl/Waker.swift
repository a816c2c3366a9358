import StacksTransport

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Owns the pipe whose reading end the I/O thread polls; a byte written to the other end wakes it.
///
/// The pipe lives as long as the mailbox that holds this value, and both sides hold the mailbox: a wake-up can come late
/// and is then without effect, but it can never reach a descriptor that was closed and given to somebody else.
struct Waker: ~Copyable {
    /// The end to poll for reading.
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

    /// Makes the reading end readable. A full pipe is as good: the reader has not been there yet.
    func wake() {
        var byte: UInt8 = 1
        _ = unsafe write(writeEnd, &byte, 1)
    }

    /// Takes away what was written, so that the next `poll` sleeps.
    func clear() {
        var bytes: UInt64 = 0
        while unsafe read(readEnd, &bytes, 8) == 8 {}
    }
}
