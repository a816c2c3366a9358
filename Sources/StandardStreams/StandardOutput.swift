#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Where a command's result goes.
package enum StandardOutput {
    /// Why something could not be written.
    package struct Failure: Error, CustomStringConvertible {
        /// The system's number of the error.
        package var number: Int32

        /// Whether the reader has gone, as `head` does when it has enough.
        package var isClosedByReader: Bool { number == EPIPE }

        package var description: String {
            "standard output cannot be written: " + (number == ETIMEDOUT ? "nobody reads it" : Self.text(number))
        }

        private static func text(_ number: Int32) -> String {
            var buffer = [CChar](repeating: 0, count: 256)
            guard strerror_r(number, &buffer, buffer.count) == 0 else { return "error \(number)" }
            return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }

    /// Writes `text` and a line feed.
    ///
    /// - Parameter limit: How long to wait for a reader that does not read; `nil` waits for it, as a pager wants.
    /// - Throws: ``Failure`` when not all was written: a disk that is full, a reader that is gone.
    package static func write(_ text: String, within limit: Duration? = nil) throws(Failure) {
        let bytes = Array(text.utf8) + [UInt8(ascii: "\n")]
        let deadline = limit.map { ContinuousClock.now + $0 }
        let (_, error) = DescriptorWriter.write(bytes[...], to: STDOUT_FILENO, until: deadline)
        if let error { throw Failure(number: error) }
        // Some file systems say only when a file is closed that what was written has found no place.
        let copy = dup(STDOUT_FILENO)
        if copy >= 0, close(copy) != 0, errno != EINTR { throw Failure(number: errno) }
    }
}
