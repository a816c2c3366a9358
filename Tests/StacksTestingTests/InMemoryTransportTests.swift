import HTTPTypes
import StacksTesting
import StacksTransport
import Testing

@Suite("InMemoryTransport", .timeLimit(.minutes(5)))
struct InMemoryTransportTests {
    private let request = TransportRequest(method: .post, origin: "https://h", path: "/v3/x", body: [1, 2, 3])

    @Test("a handler responds, and requests are recorded with their bodies")
    func handler() async throws {
        let transport = InMemoryTransport { TransportResponse(status: .ok, body: $0.body ?? []) }
        #expect(try await transport.send(request).body == [1, 2, 3])
        #expect(transport.requests.map(\.path) == ["/v3/x"])
        #expect(transport.requests.map(\.body) == [[1, 2, 3]])
    }

    @Test("a handler's error reaches the caller")
    func handlerError() async throws {
        struct Oops: Error {}
        let transport = InMemoryTransport { _ in throw Oops() }
        await #expect(throws: Oops.self) { try await transport.send(request) }
    }

    @Test("a script runs in order, and calls fail after its end")
    func script() async throws {
        let failure = TransportError(code: .tls, phase: .securing, message: "x")
        let transport = InMemoryTransport(
            script: [.respond(TransportResponse(status: .accepted)), .fail(failure)])
        #expect(try await transport.send(request).status == .accepted)
        #expect(await error(transport)?.code == .tls)
        #expect(await error(transport)?.code == .other)
    }

    @Test("the script takes precedence over the handler")
    func enqueued() async throws {
        let transport = InMemoryTransport { _ in TransportResponse(status: .ok) }
        transport.enqueue([.respond(TransportResponse(status: .conflict))])
        #expect(try await transport.send(request).status == .conflict)
        #expect(try await transport.send(request).status == .ok)
    }

    @Test("a scripted delay passes on the transport's clock")
    func delay() async throws {
        let clock = ManualClock()
        let transport = InMemoryTransport(
            clock: clock, script: [.respond(TransportResponse(status: .ok), after: .seconds(5))])
        async let response = transport.send(request)
        await clock.waitForSleepers()
        clock.advance(by: .seconds(5))
        #expect(try await response.status == .ok)
    }

    @Test("a call ends at its deadline", arguments: [true, false])
    func deadline(isScripted: Bool) async throws {
        let clock = ManualClock()
        let transport =
            isScripted
            ? InMemoryTransport(clock: clock, script: [.hang])
            : InMemoryTransport(clock: clock) { _ in
                try await clock.sleep(for: .seconds(86_400))
                return TransportResponse(status: .ok)
            }
        var request = request
        request.deadline = .now + .seconds(3600)
        async let outcome = error(transport, request)
        await clock.waitForSleepers(2)
        clock.advance(by: .seconds(3600))
        let error = await outcome
        #expect(error?.code == .timeout)
        #expect(error?.mayHaveReachedServer == true)
        #expect(clock.sleeperCount == 0)
    }

    @Test("a past deadline is a timeout, and the handler is not called")
    func passedDeadline() async throws {
        let transport = InMemoryTransport { _ in
            Issue.record("the handler was asked")
            return TransportResponse(status: .ok)
        }
        var request = request
        request.deadline = .now - .seconds(1)
        let error = await error(transport, request)
        #expect(error?.code == .timeout)
        #expect(error?.mayHaveReachedServer == false)
    }

    @Test("cancelling the task ends the call with CancellationError")
    func cancellation() async throws {
        let clock = ManualClock()
        let transport = InMemoryTransport(clock: clock, script: [.hang])
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await #expect(throws: CancellationError.self) { try await transport.send(request) }
            }
            await clock.waitForSleepers()
            group.cancelAll()
        }
        #expect(clock.sleeperCount == 0)
    }

    @Test("a task that is already cancelled sends nothing")
    func cancelledBefore() async throws {
        let transport = InMemoryTransport { _ in TransportResponse(status: .ok) }
        await withTaskGroup(of: Void.self) { group in
            group.cancelAll()
            group.addTask {
                await #expect(throws: CancellationError.self) { try await transport.send(request) }
            }
        }
        #expect(transport.requests.isEmpty)
    }

    @Test("a shutdown fails calls in flight and later calls")
    func shutdown() async throws {
        let clock = ManualClock()
        let transport = InMemoryTransport(clock: clock, script: [.hang])
        async let outcome = error(transport)
        await clock.waitForSleepers()
        transport.shutdown()
        #expect(await outcome?.code == .transportClosed)
        let later = await error(transport)
        #expect(later?.code == .transportClosed)
        #expect(later?.mayHaveReachedServer == false)
        #expect(transport.requests.count == 1)
    }

    private func error(_ transport: InMemoryTransport, _ request: TransportRequest? = nil) async -> TransportError? {
        do {
            _ = try await transport.send(request ?? self.request)
            return nil
        } catch {
            return error as? TransportError
        }
    }
}
