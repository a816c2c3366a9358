import CLibcurl

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Knows the sockets that libcurl has opened, to look at one before a request is written on it, or to hold its writes
/// together.
///
/// Between two calls an HTTP/1.1 connection has nothing to say: what arrives then is its end, or bytes that nobody asked
/// for, a proxy's "408 Request Timeout" most often. libcurl asks the socket before it uses a connection again, but
/// 7.88.1 takes both a reset and such bytes for a sign of life: the request would be lost, or the next call would get an
/// answer that is not its own. An HTTP/2 connection may say something at any time, but not after its end, which libcurl
/// misses when TLS announces it.
struct ConnectedSockets {
    /// Those that were closed meanwhile are found out when they are looked for.
    private var sockets: [curl_socket_t] = []

    mutating func note(_ socket: curl_socket_t) {
        if !sockets.contains(socket) { sockets.append(socket) }
    }

    /// What there is to read on a connection.
    enum Input { case none, bytes, end }

    /// What has arrived on the connection between these two ports.
    mutating func input(localPort: Int32, remotePort: Int32) -> Input {
        guard let socket = socket(localPort: localPort, remotePort: remotePort) else { return .none }
        var byte: UInt8 = 0
        switch unsafe recv(socket, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)) {
        case 1: return .bytes
        case 0: return .end
        default: return errno == EAGAIN || errno == EWOULDBLOCK ? .none : .end
        }
    }

    /// The socket of the connection between these two ports.
    mutating func socket(localPort: Int32, remotePort: Int32) -> curl_socket_t? {
        var found: curl_socket_t?
        sockets.removeAll { socket in
            guard let port = unsafe Self.port(of: socket, getsockname) else { return true }
            if port == localPort, unsafe Self.port(of: socket, getpeername) ?? remotePort == remotePort {
                found = socket
            }
            return false
        }
        return found
    }

    /// The port of one end, or `nil` when the socket is not open, or not connected.
    private static func port(
        of socket: curl_socket_t,
        _ name: (Int32, UnsafeMutablePointer<sockaddr>?, UnsafeMutablePointer<socklen_t>?) -> Int32
    ) -> Int32? {
        var address = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe name(socket, $0, &size) }
        }
        // A local socket has no ports to tell it by.
        guard result == 0, [AF_INET, AF_INET6].contains(Int32(address.ss_family)) else { return nil }
        // In the same place for both families of addresses.
        let port = unsafe withUnsafeBytes(of: address) { unsafe $0.load(fromByteOffset: 2, as: UInt16.self) }
        return Int32(UInt16(bigEndian: port))
    }
}
