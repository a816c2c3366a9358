#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A thread for work that blocks. Foundation's `Thread` would do, but on Linux Foundation makes a tool that is linked
/// statically three times as large.
package enum DetachedThread {
    /// Starts a thread that ends by itself.
    ///
    /// - Parameter name: What a debugger shows, at most 15 bytes.
    /// - Returns: Whether the system had room for another thread.
    package static func start(named name: String, _ body: @escaping @Sendable () -> Void) -> Bool {
        let start = Unmanaged.passRetained(Start(name: name, body: body))
        #if canImport(Glibc)
            var thread = pthread_t()
        #else
            var thread: pthread_t?
        #endif
        guard pthread_create(&thread, nil, run, start.toOpaque()) == 0 else {
            start.release()
            return false
        }
        #if canImport(Glibc)
            pthread_detach(thread)
        #else
            if let thread { pthread_detach(thread) }
        #endif
        return true
    }
}

/// What a new thread gets through `pthread_create`.
private final class Start: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        (self.name, self.body) = (name, body)
    }
}

#if canImport(Darwin)
    private func run(_ argument: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
        let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
        pthread_setname_np(start.name)
        start.body()
        return nil
    }
#else
    private func run(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        let start = Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue()
        // Glibc's module does not export pthread_setname_np, which writes to this file.
        let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
        if file >= 0 {
            var name = start.name
            _ = name.withUTF8 { write(file, $0.baseAddress, $0.count) }
            close(file)
        }
        start.body()
        return nil
    }
#endif
