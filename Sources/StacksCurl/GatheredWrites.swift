import CLibcurl

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Gathers what is written on connections during a turn of the loop into as few segments as hold it.
///
/// libcurl writes the header and the body of every HTTP/2 request by themselves, and with `TCP_NODELAY`, which it sets,
/// the kernel makes a segment of each write, sends it, and wakes the server for it. That is the largest part of what a
/// small call costs. With `TCP_CORK` full segments leave at once and the rest when the turn ends; beside `TCP_NODELAY`
/// it leaves without waiting for an acknowledgement then, and 200 ms later were that ever missed
/// (<https://man7.org/linux/man-pages/man7/tcp.7.html>). Other systems have nothing that sends the rest on demand, so
/// there nothing is gathered.
struct GatheredWrites {
    private var connections: [(localPort: Int32, socket: curl_socket_t)] = []

    /// Whether what is written on the connection from a local port is gathered already.
    func includes(localPort: Int32) -> Bool {
        connections.contains { $0.localPort == localPort }
    }

    /// Keeps what is written on a connection from now on.
    mutating func begin(_ socket: curl_socket_t, localPort: Int32) {
        connections.append((localPort, socket))
        Self.setCork(socket, true)
    }

    /// Sends what was kept of one connection, which libcurl may be about to close.
    mutating func end(_ socket: curl_socket_t) {
        guard let index = connections.firstIndex(where: { $0.socket == socket }) else { return }
        connections.remove(at: index)
        Self.setCork(socket, false)
    }

    /// Sends what was kept.
    ///
    /// A connection that failed with its first write was closed unseen, and its number can be another socket's by now. If
    /// that one is of TCP it sends what it has, which is all that this can do to it.
    mutating func end() {
        for connection in connections { Self.setCork(connection.socket, false) }
        connections.removeAll(keepingCapacity: true)
    }

    private static func setCork(_ socket: curl_socket_t, _ isOn: Bool) {
        #if os(Linux)
            var value: CInt = isOn ? 1 : 0
            // What is no TCP socket refuses, and loses nothing but the gathering.
            _ = unsafe setsockopt(
                socket, CInt(IPPROTO_TCP), TCP_CORK, &value, socklen_t(MemoryLayout<CInt>.size))
        #endif
    }
}
