import Logging

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The journal of systemd, when standard error is connected to it.
enum JournalStream {
    /// The variable in which systemd names the device and the inode of the stream (systemd.exec(5)). It is inherited by
    /// processes whose standard error goes elsewhere: only the comparison tells.
    static let variable = "JOURNAL_STREAM"

    /// Whether a descriptor is the stream that `name`, the value of ``variable``, names: `8:1234`.
    static func isConnected(_ descriptor: Int32, named name: String?) -> Bool {
        let parts = (name ?? "").split(separator: ":", omittingEmptySubsequences: false).map { UInt64($0) }
        guard parts.count == 2, let device = parts[0], let inode = parts[1] else { return false }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return false }
        return UInt64(truncatingIfNeeded: status.st_dev) == device && UInt64(truncatingIfNeeded: status.st_ino) == inode
    }

    /// Whether this process's standard error is the journal's.
    static var isStandardError: Bool {
        isConnected(STDERR_FILENO, named: getenv(variable).map { String(cString: $0) })
    }

    /// The level at the beginning of a line, as sd-daemon(3) has it: `<3>` for an error.
    static func prefix(_ level: Logger.Level) -> String {
        switch level {
        case .critical: "<2>"
        case .error: "<3>"
        case .warning: "<4>"
        case .notice: "<5>"
        case .info: "<6>"
        case .debug, .trace: "<7>"
        }
    }
}
