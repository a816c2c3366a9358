#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Standard output, for the result of a command.
package enum StandardOutput {
    /// Why the result could not be written.
    package struct Failure: Error, CustomStringConvertible {
        /// The system's error number.
        package var number: Int32

        /// Whether the reader closed the pipe, as `head` does when it has read enough.
        package var isClosedByReader: Bool { number == EPIPE }

        package var description: String {
            "could not write to standard output: " + (number == ETIMEDOUT ? "nobody reads it" : Self.text(number))
        }

        private static func text(_ number: Int32) -> String {
            var buffer = [CChar](repeating: 0, count: 256)
            guard strerror_r(number, &buffer, buffer.count) == 0 else { return "error \(number)" }
            return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }

    /// Writes `text` and a line feed.
    ///
    /// - Parameter limit: How long to wait for a reader that does not read; `nil` waits without a limit, as a pager needs.
    /// - Throws: ``Failure`` if not everything was written: the disk is full, or the reader is gone.
    package static func write(_ text: String, within limit: Duration? = nil) throws(Failure) {
        let bytes = Array(text.utf8) + [UInt8(ascii: "\n")]
        let deadline = limit.map { ContinuousClock.now + $0 }
        let (_, error) = DescriptorWriter.write(bytes[...], to: STDOUT_FILENO, until: deadline)
        if let error { throw Failure(number: error) }
        // Some file systems report only on close that there was no room for the data.
        let copy = dup(STDOUT_FILENO)
        if copy >= 0, close(copy) != 0, errno != EINTR { throw Failure(number: errno) }
    }
}
