#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A point in time as this machine's time zone has it, or in UTC.
package struct WallTime: Sendable {
    private let seconds: time_t
    /// From 0 to 999.
    private let milliseconds: Int

    /// Now.
    package static var now: WallTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return WallTime(secondsSince1970: Int(time.tv_sec), milliseconds: Int(time.tv_nsec) / 1_000_000)
    }

    /// The time so many seconds after 1970, and milliseconds from 0 to 999.
    package init(secondsSince1970 seconds: Int, milliseconds: Int = 0) {
        self.seconds = time_t(seconds)
        self.milliseconds = milliseconds
    }

    /// `17:54:07`, by the day's 24 hours.
    package var time: String { text("%H:%M:%S") }

    /// `2026-04-01T17:54:07+0200`
    package var dateAndTime: String { text("%Y-%m-%dT%H:%M:%S%z") }

    /// `2026-04-01T15:54:07.123Z` (RFC 3339)
    package var utc: String {
        let digits = String(1000 + milliseconds).dropFirst()
        return text("%Y-%m-%dT%H:%M:%S", in: gmtime_r) + ".\(digits)Z"
    }

    private func text(
        _ format: String,
        in zone: (UnsafePointer<time_t>, UnsafeMutablePointer<tm>) -> UnsafeMutablePointer<tm>? = localtime_r
    ) -> String {
        var seconds = seconds
        var parts = tm()
        _ = zone(&seconds, &parts)
        var buffer = [CChar](repeating: 0, count: 64)
        let count = strftime(&buffer, buffer.count, format, &parts)
        return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
