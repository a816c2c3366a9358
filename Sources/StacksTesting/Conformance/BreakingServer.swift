import Synchronization

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// An HTTP/1.1 server on a loopback port, which responds to each request with given bytes and closes the connection. It
/// owns its socket.
///
/// Its sockets do not block, because a blocked task would occupy a thread of the shared pool.
final class BreakingServer: Sendable {
    struct Unavailable: Error {}

    let origin: String
    private let listener: Int32
    private let count = Mutex(0)

    /// The number of received requests.
    var arrivals: Int { count.withLock { $0 } }

    init() throws {
        #if canImport(Darwin)
            listener = socket(AF_INET, SOCK_STREAM, 0)
        #else
            listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #endif
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = listener
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, size) == 0 && listen(descriptor, 16) == 0
                    && getsockname(descriptor, generic, &size) == 0
            }
        }
        origin = "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))"
        guard isListening, Self.makeNonBlocking(listener) else { throw Unavailable() }
    }

    deinit { _ = close(listener) }

    /// Responds to every request with `bytes` until the task is cancelled.
    func serve(_ bytes: [UInt8]) async throws {
        while true {
            let connection = try await Self.repeatedly { accept(self.listener, nil, nil) }
            defer { _ = close(connection) }
            guard connection >= 0, Self.makeNonBlocking(connection), try await hasReadRequest(connection) else {
                continue
            }
            count.withLock { $0 += 1 }
            _ = bytes.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Self.sendFlags) }
            _ = shutdown(connection, Int32(SHUT_WR))
        }
    }

    /// Reads a request without a body.
    private func hasReadRequest(_ connection: Int32) async throws -> Bool {
        var head: [UInt8] = []
        while !head.suffix(4).elementsEqual("\r\n\r\n".utf8) {
            var chunk = [UInt8](repeating: 0, count: 4096)
            let count = try await Self.repeatedly { Int32(recv(connection, &chunk, chunk.count, 0)) }
            if count <= 0 { return false }
            head += chunk[..<Int(count)]
        }
        return true
    }

    /// Repeats a call while it would block.
    private static func repeatedly(_ call: () -> Int32) async throws -> Int32 {
        while true {
            let result = call()
            if result >= 0 || errno != EAGAIN && errno != EINTR { return result }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    private static func makeNonBlocking(_ descriptor: Int32) -> Bool {
        fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 && fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0
    }

    /// Without `MSG_NOSIGNAL`, a closed connection would end the process.
    private static var sendFlags: Int32 {
        #if canImport(Darwin)
            0
        #else
            Int32(MSG_NOSIGNAL)
        #endif
    }
}
