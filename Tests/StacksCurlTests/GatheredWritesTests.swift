#if os(Linux)
    import CLibcurl
    import HTTPTypes
    import TestServers
    import StacksTransport
    import Testing

    @testable import StacksCurl

    #if canImport(Musl)
        import Musl
    #else
        import Glibc
    #endif

    @Suite("Writes of one turn are coalesced", .timeLimit(.minutes(5)))
    struct GatheredWritesTests {
        /// The result of `body` in a turn shorter than 200 ms, after which the kernel sends pending bytes in any case. A turn
        /// in which the process was suspended for longer is repeated.
        private func seen<Seen>(_ body: () throws -> Seen) throws -> Seen {
            while true {
                let start = ContinuousClock.now
                let seen = try body()
                if ContinuousClock.now - start < .milliseconds(150) { return seen }
                try Task.checkCancellation()
            }
        }

        @Test("two writes arrive as one at the end of the turn")
        func gathers() throws {
            let (arrivedEarly, text) = try seen {
                let connection = try Connection()
                var writes = GatheredWrites()
                writes.begin(connection.near, localPort: 1)
                #expect(writes.includes(localPort: 1))
                connection.write("header")
                connection.write("body")
                let arrivedEarly = connection.hasArrived
                writes.end()
                #expect(!writes.includes(localPort: 1))
                return (arrivedEarly, connection.read())
            }
            #expect(!arrivedEarly)
            #expect(text == "headerbody")
        }

        @Test("later writes are sent at once")
        func releases() throws {
            let connection = try Connection()
            var writes = GatheredWrites()
            writes.begin(connection.near, localPort: 1)
            writes.end()
            connection.write("header")
            #expect(connection.read() == "header")
        }

        @Test("one connection can be released before the others")
        func letsOneGo() throws {
            let arrivedEarly = try seen {
                let (first, second) = (try Connection(), try Connection())
                var writes = GatheredWrites()
                writes.begin(first.near, localPort: 1)
                writes.begin(second.near, localPort: 2)
                first.write("first")
                second.write("second")
                writes.end(first.near)
                #expect(first.read() == "first")
                let arrivedEarly = second.hasArrived
                #expect(!writes.includes(localPort: 1) && writes.includes(localPort: 2))
                writes.end()
                #expect(second.read() == "second")
                return arrivedEarly
            }
            #expect(!arrivedEarly)
        }

        @Test("the socket of a connection is found by its ports, until another connection has it")
        func findsSocket() throws {
            var sockets = ConnectedSockets()
            var first: Connection? = try Connection()
            let (socket, ports) = (try #require(first?.near), try #require(first?.ports))
            sockets.note(socket)
            for _ in 0..<2 { #expect(sockets.socket(localPort: ports.near, remotePort: ports.far) == socket) }
            first = nil
            let second = try Connection()
            sockets.note(second.near)
            for _ in 0..<2 {
                #expect(sockets.socket(localPort: ports.near, remotePort: ports.far) == nil)
                #expect(sockets.socket(localPort: second.ports.near, remotePort: second.ports.far) == second.near)
            }
        }

        @Test("a socket other than TCP loses no bytes")
        func otherSockets() throws {
            var ends: [CInt] = [-1, -1]
            try #require(unsafe socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &ends) == 0)
            let connection = Connection(near: ends[0], far: ends[1])
            var writes = GatheredWrites()
            writes.begin(connection.near, localPort: 0)
            connection.write("header")
            #expect(connection.read() == "header")
            writes.end()
        }
    }

    @Suite("Requests and resets share segments", .timeLimit(.minutes(5)))
    struct RequestSegmentTests {
        @Test("over HTTP/2, a request with a body takes no more segments than one without")
        func oneSegment() async throws {
            try await SimulatorProcess.run(["--tls"]) { simulator in
                let configuration = try CurlTransport.Configuration(trusting: simulator.ready.caFile)
                let port = try #require(
                    UInt16(simulator.ready.url.split(separator: ":").last?.prefix { $0 != "/" } ?? ""))
                func request(_ body: [UInt8]?) -> TransportRequest {
                    TransportRequest(
                        method: body == nil ? .get : .post, origin: "https://127.0.0.1:\(port)", path: "/v3/nothing",
                        headerFields: [.contentType: "application/json"], body: body)
                }
                try await withCurlTransport(configuration: configuration) { transport in
                    // The first call includes the handshake.
                    _ = try await transport.send(request(nil))
                    let socket = try #require((0..<65_536).first { Self.remotePort(of: $0) == port })
                    func segments(_ body: [UInt8]?) async throws -> Int {
                        let before = try #require(Self.option(TCP_INFO, of: socket, at: Self.dataSegmentsSent))
                        for _ in 0..<20 { _ = try await transport.send(request(body)) }
                        return try #require(Self.option(TCP_INFO, of: socket, at: Self.dataSegmentsSent)) - before
                    }
                    let (without, with) = (try await segments(nil), try await segments(Array("{}".utf8)))
                    // Occasionally there is an HTTP/2 control frame; separate bodies would be 20 segments more.
                    #expect(without >= 20)
                    #expect(with <= without + 5)
                    #expect(Self.option(TCP_CORK, of: socket, at: 0) == 0)
                    #expect(transport.statistics.connectionsOpened == 1)
                }
            }
        }

        @Test("over HTTP/2, requests that are made together share two segments, and their resets one")
        func requestsAndResets() async throws {
            try await FaultServerProcess.run(["--tls"]) { server in
                var configuration = try CurlTransport.Configuration(trusting: server.ready.caFile)
                configuration.maximumConcurrentStreams = 64
                let request = TransportRequest(method: .get, origin: server.ready.url, path: "/v3/nothing")
                while true {
                    let isDecided = try await withCurlTransport(configuration: configuration) { transport in
                        _ = try await transport.send(request)
                        let socket = try #require(
                            (0..<65_536).first { Self.remotePort(of: $0) == UInt16(server.ready.port) })
                        server.freeze()
                        defer { server.thaw() }
                        // On the I/O thread, so that it collects all cancellations in one turn.
                        let segments = try await withTaskExecutorPreference(transport.executor) {
                            try await Self.segments(64, request, transport, socket)
                        }
                        // In a process that was suspended for seconds, the connection counts as dead.
                        guard transport.statistics.connectionsQuarantined == 0 else { return false }
                        // Half of them are sent before the others are written; a control frame may come in between.
                        #expect((2...4).contains(segments.ofRequests))
                        // The first one is sent alone, and the kernel may split the rest. libcurl 7.88 and 8.5 keep resets until
                        // they write something else; 8.16 does not.
                        #expect(segments.ofResets <= 4)
                        // The rest of the resets, with as many requests, which have streams when all the others are gone.
                        #expect((1...16).contains(segments.ofNextRequests))
                        // The turn that removes the last of them may still be under way.
                        while Self.option(TCP_CORK, of: socket, at: 0) == 1 { await Task.yield() }
                        #expect(Self.option(TCP_CORK, of: socket, at: 0) == 0)
                        return true
                    }
                    if isDecided { return }
                    try Task.checkCancellation()
                }
            }
        }

        /// The data segments that are sent when as many calls are made together, when they are cancelled together, and when as
        /// many are made again.
        private static func segments(
            _ calls: Int, _ request: TransportRequest, _ transport: CurlTransport, _ socket: CInt
        ) async throws -> (ofRequests: Int, ofResets: Int, ofNextRequests: Int) {
            var counts: [Int] = []
            for _ in 0..<2 {
                try await withThrowingTaskGroup(of: Bool.self) { group in
                    for _ in 0..<calls {
                        group.addTask {
                            do {
                                _ = try await transport.send(request)
                                return false
                            } catch {
                                return error is CancellationError
                            }
                        }
                    }
                    func segments() -> Int { option(TCP_INFO, of: socket, at: dataSegmentsSent) ?? 0 }
                    let atFirst = segments()
                    while transport.statistics.inFlight < calls || segments() == atFirst { await Task.yield() }
                    // The turn that has written the last of them, and the one after it.
                    for _ in 0..<4 { await Task.yield() }
                    let before = segments()
                    group.cancelAll()
                    for try await isCancelled in group { #expect(isCancelled) }
                    counts += [before - atFirst, segments() - before]
                }
            }
            return (counts[0], counts[1], counts[2])
        }

        /// The offset in Linux's `struct tcp_info` of the number of data segments that were sent.
        private static var dataSegmentsSent: Int { 156 }

        /// A 32-bit field of a socket's `struct tcp_info`.
        private static func option(_ name: CInt, of socket: CInt, at offset: Int) -> Int? {
            var bytes = [UInt8](repeating: 0, count: 512)
            var size = socklen_t(bytes.count)
            guard unsafe getsockopt(socket, CInt(IPPROTO_TCP), name, &bytes, &size) == 0, Int(size) >= offset + 4 else {
                return nil
            }
            return bytes[offset..<offset + 4].reversed().reduce(0) { $0 << 8 | Int($1) }
        }

        private static func remotePort(of socket: CInt) -> UInt16? {
            var address = sockaddr_in()
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            let result = unsafe withUnsafeMutablePointer(to: &address) { address in
                unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe getpeername(socket, $0, &size)
                }
            }
            return result == 0 && address.sin_family == sa_family_t(AF_INET) ? UInt16(bigEndian: address.sin_port) : nil
        }
    }

    /// Both ends of a loopback connection with `TCP_NODELAY`.
    private final class Connection {
        let near: curl_socket_t
        private let far: curl_socket_t

        init(near: CInt, far: CInt) {
            (self.near, self.far) = (near, far)
        }

        convenience init() throws {
            let listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
            defer { close(listener) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            let near = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
            let isConnected = unsafe withUnsafeMutablePointer(to: &address) { address in
                unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                    unsafe bind(listener, address, size) == 0 && listen(listener, 1) == 0
                        && getsockname(listener, address, &size) == 0 && connect(near, address, size) == 0
                }
            }
            try #require(isConnected)
            var isOn: CInt = 1
            try #require(unsafe setsockopt(near, CInt(IPPROTO_TCP), TCP_NODELAY, &isOn, socklen_t(4)) == 0)
            self.init(near: near, far: accept(listener, nil, nil))
        }

        deinit {
            close(near)
            close(far)
        }

        func write(_ text: String) {
            _ = unsafe send(near, text, text.utf8.count, CInt(MSG_NOSIGNAL))
        }

        /// The ports of both ends.
        var ports: (near: Int32, far: Int32) {
            func port(of socket: CInt) -> Int32 {
                var address = sockaddr_in()
                var size = socklen_t(MemoryLayout<sockaddr_in>.size)
                _ = unsafe withUnsafeMutablePointer(to: &address) { address in
                    unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        unsafe getsockname(socket, $0, &size)
                    }
                }
                return Int32(UInt16(bigEndian: address.sin_port))
            }
            return (port(of: near), port(of: far))
        }

        /// Whether the far end has bytes to read.
        var hasArrived: Bool {
            var byte: UInt8 = 0
            return unsafe recv(far, &byte, 1, CInt(MSG_PEEK) | CInt(MSG_DONTWAIT)) > 0
        }

        /// The next bytes at the far end.
        func read() -> String {
            var bytes = [UInt8](repeating: 0, count: 64)
            let count = unsafe recv(far, &bytes, bytes.count, 0)
            return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
        }
    }
#endif
