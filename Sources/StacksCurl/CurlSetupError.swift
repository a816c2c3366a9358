#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Why a ``CurlTransport`` could not be created: an invalid configuration, an unsupported libcurl, or a failed system call.
public struct CurlSetupError: Error, Sendable, CustomStringConvertible {
    /// What is wrong, with the value and its limits.
    public let message: String

    init(_ message: String) {
        self.message = message
    }

    init(systemCall: String, errno: Int32) {
        self.init("\(systemCall) failed: \(unsafe String(cString: strerror(errno))) (errno \(errno))")
    }

    /// The message.
    public var description: String { message }
}
