import Foundation
import Synchronization

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// An HTTP/1.1 server on a free port, whose responses come from a closure.
public final class LoopbackServer: Sendable {
    /// The reaction to a request.
    public enum Reply: Sendable {
        /// Writes bytes, and keeps the connection open.
        case bytes(String)
        /// Writes bytes, and closes the connection.
        case lastBytes(String)
        /// Never responds.
        case silence
        /// Closes the connection without a response.
        case hangUp
    }

    /// The port it listens on.
    public let port: UInt16
    /// Closed by ``stop()``, which the accepting thread notices at the other end. On Darwin, shutting down a listener does not
    /// wake it.
    private let stopping: Mutex<Int32?>
    private let hasStopped = DispatchSemaphore(value: 0)
    private let requests = Mutex<[String]>([])
    private let connections = Mutex((open: Set<Int32>(), count: 0))

    /// The received requests as raw text.
    public var received: [String] { requests.withLock { $0 } }
    /// The number of accepted connections.
    public var connectionCount: Int { connections.withLock { $0.count } }
    /// Scheme, host and port.
    public var origin: String { "http://127.0.0.1:\(port)" }

    /// Starts to listen. `reply` is called with each request and its number, from 0 in the order of arrival.
    public init(reply: @escaping @Sendable (_ request: String, _ index: Int) -> Reply) throws {
        #if canImport(Glibc)
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #else
            let descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let failed = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, size) != 0 || listen(descriptor, 64) != 0
                    || getsockname(descriptor, generic, &size) != 0
            }
        }
        var ends: [Int32] = [-1, -1]
        if failed || pipe(&ends) != 0 { throw POSIXError(.EADDRNOTAVAIL) }
        for descriptor in ends + [descriptor] { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        // Without O_NONBLOCK, `accept` would block when the client closes the connection after `poll`.
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        port = UInt16(bigEndian: address.sin_port)
        stopping = Mutex(ends[1])
        Thread.detachNewThread { [self, stopped = ends[0]] in
            defer {
                close(descriptor)
                close(stopped)
                hasStopped.signal()
            }
            while true {
                var events = [
                    pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
                    pollfd(fd: stopped, events: Int16(POLLIN), revents: 0),
                ]
                guard poll(&events, nfds_t(events.count), -1) > 0 || errno == EINTR else { return }
                guard events[1].revents == 0 else { return }
                let connection = accept(descriptor, nil, nil)
                guard connection >= 0 else { continue }
                Self.prepare(connection)
                connections.withLock { connections in
                    connections.open.insert(connection)
                    connections.count += 1
                }
                Thread.detachNewThread { self.serve(connection, reply) }
            }
        }
    }

    /// Makes a connection blocking and private to the process, without SIGPIPE.
    private static func prepare(_ connection: Int32) {
        // On Darwin, a connection inherits O_NONBLOCK from its listener.
        _ = fcntl(connection, F_SETFL, 0)
        _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
        #if canImport(Darwin)
            var isOn: Int32 = 1
            _ = setsockopt(connection, SOL_SOCKET, SO_NOSIGPIPE, &isOn, socklen_t(MemoryLayout<Int32>.size))
        #endif
    }

    /// Ends the threads. When it returns, the listener is closed, and all connections are about to close.
    public func stop() {
        guard let descriptor = stopping.withLock({ $0.take() }) else { return }
        close(descriptor)
        hasStopped.wait()
        connections.withLock { for connection in $0.open { shutdown(connection, Int32(SHUT_RDWR)) } }
    }

    /// Returns when the clients have closed all connections.
    public func waitUntilNoConnectionIsOpen() async {
        while connections.withLock({ !$0.open.isEmpty }) {
            do { try await Task.sleep(for: .milliseconds(1)) } catch { return }
        }
    }

    private func serve(_ connection: Int32, _ reply: (String, Int) -> Reply) {
        defer {
            // Under the lock, so that `stop` does not shut down a reused descriptor.
            connections.withLock { connections in
                connections.open.remove(connection)
                close(connection)
            }
        }
        while let request = readRequest(connection) {
            let index = requests.withLock { requests in
                requests.append(request)
                return requests.count - 1
            }
            let reply = reply(request, index)
            switch reply {
            case .silence: continue
            case .hangUp: return
            case .bytes(let bytes), .lastBytes(let bytes):
                let bytes = Array(bytes.utf8)
                var written = 0
                while written < bytes.count {
                    #if canImport(Darwin)
                        let flags: Int32 = 0
                    #else
                        let flags = Int32(MSG_NOSIGNAL)
                    #endif
                    let count = bytes[written...].withUnsafeBytes {
                        send(connection, $0.baseAddress, $0.count, flags)
                    }
                    guard count > 0 else { return }
                    written += count
                }
                if case .lastBytes = reply { return }
            }
        }
    }

    /// Reads one request with its body, or returns `nil` when the connection has ended.
    private func readRequest(_ connection: Int32) -> String? {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let text = String(decoding: bytes, as: UTF8.self)
            if let end = text.range(of: "\r\n\r\n") {
                let length = text[..<end.lowerBound].components(separatedBy: "\r\n")
                    .first { $0.lowercased().hasPrefix("content-length:") }
                    .flatMap { Int($0.dropFirst(15).trimmingCharacters(in: .whitespaces)) }
                if text[end.upperBound...].utf8.count >= length ?? 0 { return text }
            }
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return nil }
            bytes.append(contentsOf: buffer[..<count])
        }
    }
}

extension LoopbackServer.Reply {
    /// A complete response.
    public static func ok(_ body: String = "", status: String = "200 OK", fields: [String] = []) -> Self {
        let head = ["HTTP/1.1 \(status)", "Content-Length: \(body.utf8.count)"] + fields
        return .bytes(head.joined(separator: "\r\n") + "\r\n\r\n" + body)
    }
}
