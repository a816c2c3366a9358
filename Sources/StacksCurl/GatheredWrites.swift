import CLibcurl

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Coalesces the writes of a turn of the loop into few TCP segments.
///
/// libcurl writes the header and the body of an HTTP/2 request separately and sets `TCP_NODELAY`, so that the kernel sends
/// a segment for each write and wakes the server each time: the largest part of the cost of a small call. With `TCP_CORK`,
/// the kernel sends full segments at once, and the rest when the option is cleared, without waiting for an acknowledgement:
/// when half of the calls in flight are written, and at the end of the turn; after 200 ms it sends the rest in any case
/// (<https://man7.org/linux/man-pages/man7/tcp.7.html>). Other systems cannot send the rest on demand, so writes are not
/// coalesced there.
struct GatheredWrites {
    private var connections: [(localPort: Int32, socket: curl_socket_t)] = []

    /// Whether writes to the connection with a local port are being coalesced.
    func includes(localPort: Int32) -> Bool {
        connections.contains { $0.localPort == localPort }
    }

    /// Begins to coalesce writes to a connection.
    mutating func begin(_ socket: curl_socket_t, localPort: Int32) {
        connections.append((localPort, socket))
        Self.setCork(socket, true)
    }

    /// Sends the pending bytes of one connection, which libcurl may be about to close.
    mutating func end(_ socket: curl_socket_t) {
        guard let index = connections.firstIndex(where: { $0.socket == socket }) else { return }
        connections.remove(at: index)
        Self.setCork(socket, false)
    }

    /// Sends the pending bytes of all connections.
    ///
    /// libcurl does not report the closing of a connection whose first write failed, so that the descriptor may belong to
    /// another socket by now. Clearing the option is harmless there: a TCP socket sends its pending bytes.
    mutating func end() {
        for connection in connections { Self.setCork(connection.socket, false) }
        connections.removeAll(keepingCapacity: true)
    }

    private static func setCork(_ socket: curl_socket_t, _ isOn: Bool) {
        #if os(Linux)
            var value: CInt = isOn ? 1 : 0
            // Fails on other sockets than TCP, whose writes are then not coalesced.
            _ = unsafe setsockopt(
                socket, CInt(IPPROTO_TCP), TCP_CORK, &value, socklen_t(MemoryLayout<CInt>.size))
        #endif
    }
}
