import HTTPTypes
import StacksTransport

// MARK: - Calls that end without a response

extension TransportConformance.Check {
    func deadline() async throws {
        let request = request(.get, "/never", within: .milliseconds(200))
        let error = try await failure(of: request)
        try expect((error as? TransportError)?.code == .timeout, "the call failed with another error: \(error)")
        try expect(ContinuousClock.now >= request.deadline!, "the call ended before its deadline")
        try expect(
            ContinuousClock.now < request.deadline! + suite.patience,
            "the call ended more than \(suite.patience) after its deadline")
        try await expectToWork(after: "a deadline that passed")
    }

    func pastDeadline() async throws {
        // With an open connection, a transport could send the request at once.
        try await expectToWork(after: "nothing")
        let number = freshNumber()
        let error = try await failure(of: request(.post, "/once/\(number)", body: [1], within: .seconds(-1)))
        try expect((error as? TransportError)?.code == .timeout, "the call failed with another error: \(error)")
        let count = try await arrivals(of: number)
        try expect(count == 0, "the request was sent")
    }

    func cancellation() async throws {
        // Once before the call can have started, and once after some time.
        for wait in [Duration.zero, .milliseconds(100)] {
            let call = Task { try await failure(of: request(.get, "/never")) }
            try await Task.sleep(for: wait)
            let start = ContinuousClock.now
            call.cancel()
            let error = try await call.value
            try expect(error is CancellationError, "the call failed with another error: \(error)")
            try expect(
                ContinuousClock.now < start + suite.patience,
                "the call ended more than \(suite.patience) after its cancellation")
        }
        try await expectToWork(after: "a cancellation")
    }

    func cancelledBefore() async throws {
        let number = freshNumber()
        let error = try await Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await failure(of: request(.post, "/once/\(number)", body: [1]))
        }.value
        try expect(error is CancellationError, "the call failed with another error: \(error)")
        let count = try await arrivals(of: number)
        try expect(count == 0, "the request was sent")
    }

    func manyCancellations() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<16 {
                group.addTask { try await cancelSome(of: 32, worker) }
            }
            try await group.waitForAll()
        }
        try await expectToWork(after: "many cancellations")
    }

    private func cancelSome(of calls: Int, _ worker: Int) async throws {
        var random = SeededGenerator(seed: UInt64(worker) + 1)
        for number in 0..<calls {
            let body = Array("\(worker)/\(number)".utf8)
            let call = Task { try await transport.send(request(.post, "/echo", body: body)) }
            let isCancelled = random.next() % 2 == 0
            if isCancelled {
                for _ in 0..<(random.next() % 100) { await Task.yield() }
                call.cancel()
            }
            switch await call.result {
            case .success(let response): try expect(response.body == body, "a call got the response to another one")
            case .failure(is CancellationError) where isCancelled: break
            case .failure(let error): try expect(false, "a call failed with another error: \(error)")
            }
        }
    }

    func refusedConnection() async throws {
        // No server listens on port 1 (tcpmux).
        var request = request(.get, "/")
        request.origin = "http://127.0.0.1:1"
        let error = try await failure(of: request)
        try expect((error as? TransportError)?.code == .connect, "the call failed with another error: \(error)")
        try expect(
            (error as? TransportError)?.mayHaveReachedServer == false, "mayHaveReachedServer is true")
    }

    func cutHeader() async throws {
        for bytes in [
            "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r", "HTTP/1.1 204 No Content\r\n", "HTTP/1.0 200 OK\r\n",
            "HTTP/1.1 103 Early Hints\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n",
        ] {
            let (error, arrivals) = try await withBreakingServer(bytes) { try await failure(of: $0) }
            guard let error = error as? TransportError else {
                throw TransportConformance.Failure(rule: rule, message: "the call failed with another error: \(error)")
            }
            try expect(error.mayHaveReachedServer, "mayHaveReachedServer is false after \(bytes.debugDescription)")
            try expect(arrivals == 1, "the request arrived \(arrivals) times before \(bytes.debugDescription)")
        }
        for (bytes, body) in [("HTTP/1.0 200 OK\r\n\r\n", ""), ("HTTP/1.1 200 OK\r\n\r\nx", "x")] {
            let (response, _) = try await withBreakingServer(bytes) { try await transport.send($0) }
            try expect(response.body == Array(body.utf8), "a body that ends with the connection changed")
        }
    }

    /// - Returns: The result of `body`, and the number of requests that the server received.
    private func withBreakingServer<Result: Sendable>(
        _ bytes: String, _ body: @escaping @Sendable (TransportRequest) async throws -> Result
    ) async throws -> (Result, arrivals: Int) {
        let server = try BreakingServer()
        var request = request(.get, "/")
        request.origin = server.origin
        let result = try await withThrowingTaskGroup(of: Result?.self) { [request] group in
            group.addTask {
                try await server.serve(Array(bytes.utf8))
                return nil
            }
            group.addTask { try await body(request) }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                if let result { return result }
            }
            throw CancellationError()
        }
        return (result, server.arrivals)
    }

    func shutdown() async throws {
        guard let shutdown = suite.shutdown else { return }
        try await expectToWork(after: "nothing")
        let call = Task { try await failure(of: request(.get, "/never")) }
        try await Task.sleep(for: .milliseconds(100))
        await shutdown(transport)
        for error in [try await call.value, try await failure(of: request(.get, "/echo"))] {
            try expect(
                (error as? TransportError)?.code == .transportClosed, "a call failed with another error: \(error)")
        }
    }
}
