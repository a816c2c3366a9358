import StacksTransport
import Synchronization

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Owns one thread: joined once by ``join()``, or detached when the last reference goes.
final class CurlThread: Sendable {
    /// `nil` once the thread was joined. A `pthread_t` is a number in Glibc and a pointer elsewhere, so it is kept as
    /// bits.
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

    /// Returns when the thread has ended. To be called only when it is about to, because it blocks its caller.
    ///
    /// It waits under the lock, so that whoever else asks at the same time returns no sooner.
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

/// What a new thread is to do, carried through `pthread_create`.
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
    // Signals are for the program's own threads.
    var all = sigset_t()
    unsafe sigfillset(&all)
    _ = unsafe pthread_sigmask(SIG_BLOCK, &all, nil)
    start.body()
    return nil
}

#if !canImport(Darwin)
    /// Names the calling thread, as `top -H` and a debugger show it: at most 15 bytes.
    ///
    /// `pthread_setname_np` is an extension that Glibc's module leaves out; this file is where it writes to
    /// (<https://man7.org/linux/man-pages/man3/pthread_setname_np.3.html>).
    private func nameThread(_ name: String) {
        let file = unsafe open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        var name = name
        _ = name.withUTF8 { unsafe write(file, $0.baseAddress, $0.count) }
        _ = close(file)
    }
#endif
