import StacksTransport

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

extension ConfigurationError {
    /// A system call failed with `errno`.
    init(systemCall: String, errno: Int32) {
        self.init("\(systemCall) failed: \(unsafe String(cString: strerror(errno))) (errno \(errno))")
    }
}
