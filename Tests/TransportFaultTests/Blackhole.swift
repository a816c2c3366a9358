#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A port of 127.0.0.1 whose accept queue is full, so that further connections get no reply, as behind a firewall that
/// drops packets.
final class Blackhole {
    let port: UInt16
    private var descriptors: [Int32] = []

    init() {
        func makeSocket() -> Int32 {
            #if canImport(Glibc)
                return socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            #else
                return socket(AF_INET, SOCK_STREAM, 0)
            #endif
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = makeSocket()
        descriptors.append(listener)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                _ = bind(listener, generic, size)
                // On Darwin, 0 selects the maximum.
                _ = listen(listener, 1)
                _ = getsockname(listener, generic, &size)
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        for _ in 0..<8 {
            let client = makeSocket()
            _ = fcntl(client, F_SETFL, O_NONBLOCK)
            withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = connect(client, $0, size) }
            }
            descriptors.append(client)
        }
    }

    deinit { for descriptor in descriptors { close(descriptor) } }
}
