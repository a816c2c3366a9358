import CLibcurl

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The sockets that libcurl has opened, to inspect one before a request is written to it, or to coalesce its writes.
///
/// On an idle HTTP/1.1 connection, only its end or unsolicited bytes can arrive, a proxy's "408 Request Timeout" for
/// example. libcurl checks the socket before it reuses a connection, but 7.88.1 takes both a reset and unsolicited bytes
/// for a live connection: the request would be lost, or the next call would get a response that is not its own. On an
/// HTTP/2 connection, frames may arrive at any time, but nothing after its end, which libcurl misses when it arrives as a
/// TLS alert.
struct ConnectedSockets {
    /// Closed sockets are removed at the next search.
    private var sockets: [curl_socket_t] = []
    /// The socket that was found last. A connection has the same one until it is closed, and a new connection resets this.
    /// Only a call that is removed may ask for a connection that was closed: coalescing the writes of another socket for
    /// a turn does no harm.
    private var latest: (localPort: Int32, remotePort: Int32, socket: curl_socket_t)?

    mutating func note(_ socket: curl_socket_t) {
        latest = nil
        if !sockets.contains(socket) { sockets.append(socket) }
    }

    /// What can be read from a connection.
    enum Input { case none, bytes, end }

    /// What has arrived on the connection between two ports.
    mutating func input(localPort: Int32, remotePort: Int32) -> Input {
        guard let socket = socket(localPort: localPort, remotePort: remotePort) else { return .none }
        var byte: UInt8 = 0
        switch unsafe recv(socket, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)) {
        case 1: return Self.hasEnded(socket) ? .end : .bytes
        case 0: return .end
        default: return errno == EAGAIN || errno == EWOULDBLOCK ? .none : .end
        }
    }

    /// Whether the other end has closed the connection, though bytes can still be read. Other systems do not say that.
    private static func hasEnded(_ socket: curl_socket_t) -> Bool {
        #if os(Linux)
            // POLLRDHUP, which Glibc's module does not export (<https://man7.org/linux/man-pages/man2/poll.2.html>).
            let closed: Int16 = 0x2000
            var state = pollfd(fd: socket, events: closed, revents: 0)
            _ = unsafe poll(&state, 1, 0)
            return state.revents & (closed | Int16(POLLHUP) | Int16(POLLERR)) != 0
        #else
            return false
        #endif
    }

    /// The socket of the connection between two ports; `nil` when several match, as Unix domain sockets do, whose ports are 0.
    mutating func socket(localPort: Int32, remotePort: Int32) -> curl_socket_t? {
        if let latest, latest.localPort == localPort, latest.remotePort == remotePort { return latest.socket }
        var found: [curl_socket_t] = []
        sockets.removeAll { socket in
            guard let port = unsafe Self.port(of: socket, getsockname) else { return true }
            if port == localPort, unsafe Self.port(of: socket, getpeername) ?? remotePort == remotePort {
                found.append(socket)
            }
            return false
        }
        guard found.count == 1 else { return nil }
        latest = (localPort, remotePort, found[0])
        return found[0]
    }

    /// The port of one end, or `nil` when the socket is closed or not connected.
    private static func port(
        of socket: curl_socket_t,
        _ name: (Int32, UnsafeMutablePointer<sockaddr>?, UnsafeMutablePointer<socklen_t>?) -> Int32
    ) -> Int32? {
        var address = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe name(socket, $0, &size) }
        }
        guard result == 0 else { return nil }
        if Int32(address.ss_family) == AF_UNIX { return 0 }
        guard [AF_INET, AF_INET6].contains(Int32(address.ss_family)) else { return nil }
        // The port has the same offset in both address families.
        let port = unsafe withUnsafeBytes(of: address) { unsafe $0.load(fromByteOffset: 2, as: UInt16.self) }
        return Int32(UInt16(bigEndian: port))
    }
}
