import HTTPTypes
import StacksCurl
import StacksTransport
import TestServers
import Testing

@Suite("Tasks can run on the I/O thread", .timeLimit(.minutes(5)))
struct CurlExecutorTests {
    private func get(_ server: LoopbackServer) -> TransportRequest {
        TransportRequest(method: .get, origin: server.origin, path: "/v3/x")
    }

    @Test("concurrent calls from the I/O thread get their responses")
    func answered() async throws {
        let server = try LoopbackServer { _, _ in .ok() }
        defer { server.stop() }
        try await withCurlTransport { transport in
            try await withTaskExecutorPreference(transport.executor) {
                try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 0..<100 { group.addTask { try await transport.send(get(server)).status.code } }
                    for try await status in group { #expect(status == 200) }
                }
            }
            #expect(transport.statistics.completed == 100)
        }
    }

    @Test("a call from the I/O thread can be cancelled")
    func cancelled() async throws {
        let arrived = AsyncStream.makeStream(of: Void.self)
        let server = try LoopbackServer { _, _ in
            arrived.continuation.yield()
            return .silence
        }
        defer { server.stop() }
        try await withCurlTransport { transport in
            let call = Task(executorPreference: transport.executor) { try await transport.send(get(server)) }
            for await _ in arrived.stream { break }
            call.cancel()
            await #expect(throws: CancellationError.self) { try await call.value }
        }
    }

    @Test("a task on the I/O thread continues after a shutdown, including its own")
    func outlivesTheThread() async throws {
        let server = try LoopbackServer { _, _ in .ok() }
        defer { server.stop() }
        let transport = try CurlTransport()
        let task = Task(executorPreference: transport.executor) {
            _ = try await transport.send(get(server))
            await transport.shutdown()
            await Task.yield()
            let error = await #expect(throws: TransportError.self) { try await transport.send(get(server)) }
            return error?.code
        }
        #expect(try await task.value == .transportClosed)
    }
}
