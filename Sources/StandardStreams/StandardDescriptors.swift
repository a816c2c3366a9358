#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The three standard descriptors of a program.
package enum StandardDescriptors {
    /// Makes writing to a closed pipe an error instead of a signal, and opens descriptors that are closed. Call it before
    /// anything else is opened.
    ///
    /// Otherwise the next file or socket would get the number of standard output or standard error, and output would go
    /// there.
    package static func prepare() {
        signal(SIGPIPE, SIG_IGN)
        // Lowest first: a new file gets the lowest free number. Standard output is opened for reading, so that writing
        // to it fails as on a closed one; a closed standard error discards everything.
        for (descriptor, mode) in [(STDIN_FILENO, O_RDONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_WRONLY)]
        where fcntl(descriptor, F_GETFD) == -1 && errno == EBADF {
            _ = open("/dev/null", mode)
        }
    }
}

/// Writes bytes to a descriptor, with a deadline and without a signal.
enum DescriptorWriter {
    /// Writes everything.
    ///
    /// - Parameter deadline: When to stop waiting for a reader that does not read; `nil` waits without a limit.
    /// - Returns: How many bytes were written, and the error (`errno`) if not all were; `ETIMEDOUT` at the deadline.
    static func write(
        _ bytes: ArraySlice<UInt8>, to descriptor: Int32, until deadline: ContinuousClock.Instant? = nil
    ) -> (written: Int, error: Int32?) {
        var rest = bytes
        func outcome(_ error: Int32?) -> (written: Int, error: Int32?) { (bytes.count - rest.count, error) }
        while !rest.isEmpty {
            // A writable pipe has room for this many bytes (POSIX, PIPE_BUF), so writing them does not block.
            let part = deadline == nil ? rest : rest.prefix(512)
            if let deadline, !isWritable(descriptor, until: deadline) { return outcome(ETIMEDOUT) }
            let count = part.withUnsafeBytes { systemWrite(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
                continue
            }
            switch errno {
            case EINTR: continue
            // Somebody else has made the descriptor one that does not block.
            case EAGAIN where isWritable(descriptor, until: deadline): continue
            case EAGAIN: return outcome(ETIMEDOUT)
            case let error: return outcome(count == 0 ? EIO : error)
            }
        }
        return outcome(nil)
    }

    /// Waits until something can be written, or writing would fail at once.
    private static func isWritable(_ descriptor: Int32, until deadline: ContinuousClock.Instant?) -> Bool {
        while true {
            var milliseconds: Int32 = -1
            if let deadline {
                let rest = max(.zero, ContinuousClock.now.duration(to: deadline))
                milliseconds = Int32(min(rest / .milliseconds(1), 1_000_000).rounded(.up))
            }
            var state = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            let ready = poll(&state, 1, milliseconds)
            if ready > 0 { return true }
            if ready == 0, let deadline, deadline <= .now { return false }
            if ready < 0, errno != EINTR { return true }
        }
    }
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
