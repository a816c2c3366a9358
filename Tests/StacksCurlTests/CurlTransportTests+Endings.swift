import Foundation
import HTTPTypes
import StacksCurl
import StacksTransport
import TestServers
import Testing

// Deadlines, cancellation, and the release of a transport.
extension CurlTransportTests {
    @Test("a call without a response fails at its deadline, and the next one uses a new connection")
    func deadline() async throws {
        try await withServer({ text, _ in text.hasPrefix("GET /silence") ? .silence : .ok() }) { transport, server in
            // A busy machine may need longer to reach the waiting phase.
            var limit = Duration.milliseconds(100)
            var error: TransportError
            repeat {
                let start = ContinuousClock.now
                error = try await failure(transport, request(server, path: "/silence", deadline: start + limit))
                #expect(ContinuousClock.now - start >= limit)
                limit = limit * 2
            } while error.code == .timeout && error.phase < .waiting
            #expect(error.code == .timeout)
            #expect(error.phase == .waiting)
            #expect(error.mayHaveReachedServer)
            let response = try await transport.send(request(server))
            #expect(response.status.code == 200)
            #expect(response.metrics?.reusedConnection == false)
        }
    }

    @Test("a deadline that has passed already fails the call")
    func pastDeadline() async throws {
        try await withServer({ _, _ in .silence }) { transport, server in
            let error = try await failure(transport, request(server, deadline: .now - .seconds(1)))
            #expect(error.code == .timeout)
        }
    }

    @Test("a call that waits for a free connection fails at its deadline")
    func queuedDeadline() async throws {
        var configuration = CurlTransport.Configuration()
        configuration.httpVersion = .http1_1
        configuration.maximumConnectionsPerHost = 1
        try await withServer(configuration: configuration, { _, _ in .silence }) { transport, server in
            await withTaskGroup(of: TransportError?.self) { group in
                for milliseconds in [200, 50] {
                    group.addTask {
                        let deadline = ContinuousClock.now + .milliseconds(milliseconds)
                        do {
                            _ = try await transport.send(request(server, deadline: deadline))
                            return nil
                        } catch { return error as? TransportError }
                    }
                }
                for await error in group { #expect(error?.code == .timeout) }
            }
            #expect(transport.statistics.queued == 0)
            #expect(transport.statistics.inFlight == 0)
        }
    }

    @Test("cancelling a call without a response ends it")
    func cancellation() async throws {
        let arrived = AsyncStream.makeStream(of: Void.self)
        try await withServer({ _, _ in
            arrived.continuation.yield()
            return .silence
        }) { transport, server in
            let task = Task { try await transport.send(request(server, deadline: .now + .seconds(3600))) }
            for await _ in arrived.stream { break }
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(transport.statistics.cancelled == 1)
        }
    }

    @Test("a task that is already cancelled sends nothing")
    func cancelledBefore() async throws {
        try await withServer({ _, _ in .ok() }) { transport, server in
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await transport.send(request(server))
            }
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(server.received.isEmpty)
        }
    }

    @Test("a transport that is released without a shutdown closes its connections")
    func dropped() async throws {
        let server = try LoopbackServer { _, _ in .ok() }
        defer { server.stop() }
        for _ in 0..<50 {
            let transport = try CurlTransport()
            let status = try await transport.send(request(server)).status.code
            #expect(status == 200)
        }
        await server.waitUntilNoConnectionIsOpen()
    }

    @Test("over HTTP/1.1, the connection limit holds, and every call gets a response")
    func connectionLimit() async throws {
        var configuration = CurlTransport.Configuration()
        configuration.maximumConnectionsPerHost = 3
        try await withServer(configuration: configuration, { _, _ in .ok() }) { transport, server in
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<200 { group.addTask { try await transport.send(request(server)).status.code } }
                for try await status in group { #expect(status == 200) }
            }
            #expect(server.connectionCount <= 3)
            #expect(transport.statistics.completed == 200)
        }
    }
}
