#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A point in time as this machine's time zone has it.
package struct WallTime: Sendable {
    private let seconds: time_t

    /// Now.
    package static var now: WallTime { WallTime(secondsSince1970: Int(systemTime())) }

    /// The time so many seconds after 1970.
    package init(secondsSince1970 seconds: Int) { self.seconds = time_t(seconds) }

    /// `17:54:07`, by the day's 24 hours.
    package var time: String { text("%H:%M:%S") }

    /// `2026-04-01T17:54:07+0200`
    package var dateAndTime: String { text("%Y-%m-%dT%H:%M:%S%z") }

    private func text(_ format: String) -> String {
        var seconds = seconds
        var parts = tm()
        _ = localtime_r(&seconds, &parts)
        var buffer = [CChar](repeating: 0, count: 64)
        let count = strftime(&buffer, buffer.count, format, &parts)
        return String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

private func systemTime() -> time_t { time(nil) }
