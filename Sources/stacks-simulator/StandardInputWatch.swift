import ServiceLifecycle

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Runs until standard input ends, so that a simulator ends with the program that started it, even after a crash.
struct StandardInputWatch: Service {
    func run() async throws {
        await cancelWhenGracefulShutdown {
            // Polling, because a blocking read cannot be cancelled, and libdispatch's read source crashes on Linux when
            // the other end closes.
            while !Self.hasEnded {
                do { try await Task.sleep(for: .milliseconds(200)) } catch { return }
            }
        }
    }

    /// Reads what is available without waiting, and returns whether it was the end.
    private static var hasEnded: Bool {
        var descriptor = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        guard poll(&descriptor, 1, 0) > 0 else { return false }
        var buffer = [UInt8](repeating: 0, count: 4096)
        return read(STDIN_FILENO, &buffer, buffer.count) <= 0
    }
}
