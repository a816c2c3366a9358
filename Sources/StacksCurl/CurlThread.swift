import StacksTransport
import Synchronization

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Owns one thread: joined once by ``join()``, or detached with the last reference.
final class CurlThread: Sendable {
    /// `nil` after the thread was joined. Stored as bits, because `pthread_t` is a number in Glibc and a pointer elsewhere.
    private let handle: Mutex<UInt?>

    init(named name: String, _ body: @escaping @Sendable () -> Void) throws(ConfigurationError) {
        let start = unsafe Unmanaged.passRetained(Start(name: name, body: body))
        #if canImport(Glibc)
            var thread = pthread_t()
        #else
            var thread: pthread_t?
        #endif
        let result = unsafe pthread_create(&thread, nil, startThread, start.toOpaque())
        guard result == 0 else {
            unsafe start.release()
            throw ConfigurationError(systemCall: "pthread_create", errno: result)
        }
        #if canImport(Glibc)
            handle = Mutex(UInt(thread))
        #else
            handle = Mutex(unsafe UInt(bitPattern: thread))
        #endif
    }

    deinit {
        handle.withLock { Self.end(&$0, joins: false) }
    }

    /// Returns when the thread has ended. It blocks its caller, so call it only when the thread is about to end.
    ///
    /// It waits under the lock, so that concurrent calls do not return earlier.
    func join() {
        handle.withLock { Self.end(&$0, joins: true) }
    }

    /// Joins or detaches the thread, unless that was done before.
    private static func end(_ handle: inout UInt?, joins: Bool) {
        guard let bits = handle else { return }
        handle = nil
        #if canImport(Glibc)
            let thread = pthread_t(bits)
            _ = joins ? pthread_join(thread, nil) : pthread_detach(thread)
        #else
            guard let thread = unsafe pthread_t(bitPattern: bits) else { return }
            _ = unsafe joins ? pthread_join(thread, nil) : pthread_detach(thread)
        #endif
    }
}

/// The name and body of a new thread, passed through `pthread_create`.
private final class Start: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }
}

#if canImport(Darwin)
    private typealias ThreadArgument = UnsafeMutableRawPointer
#else
    private typealias ThreadArgument = UnsafeMutableRawPointer?
#endif

private func startThread(_ argument: ThreadArgument) -> UnsafeMutableRawPointer? {
    #if canImport(Darwin)
        let start = unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
        unsafe pthread_setname_np(start.name)
    #else
        let start = unsafe Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue()
        nameThread(start.name)
    #endif
    // The program's own threads handle signals.
    var all = sigset_t()
    unsafe sigfillset(&all)
    _ = unsafe pthread_sigmask(SIG_BLOCK, &all, nil)
    start.body()
    return nil
}

#if !canImport(Darwin)
    /// Names the calling thread for `top -H` and debuggers, with at most 15 bytes.
    ///
    /// Glibc's module does not export `pthread_setname_np`, which writes to this file
    /// (<https://man7.org/linux/man-pages/man3/pthread_setname_np.3.html>).
    private func nameThread(_ name: String) {
        let file = unsafe open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        var name = name
        _ = name.withUTF8 { unsafe write(file, $0.baseAddress, $0.count) }
        _ = close(file)
    }
#endif
