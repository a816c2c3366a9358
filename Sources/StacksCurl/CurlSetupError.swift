#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Why a ``CurlTransport`` could not be made: a setting that cannot work, or a resource the system refused.
public struct CurlSetupError: Error, Sendable, CustomStringConvertible {
    /// What is wrong, naming the value and what it must be.
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
