import HTTPTypes
import StacksTransport

extension TransportConformance {
    /// Checks one rule.
    ///
    /// - Throws: ``Failure`` when the transport violates it, or the error of a call that should have succeeded.
    func check(_ rule: Rule, _ transport: any HTTPTransport) async throws {
        let check = Check(suite: self, rule: rule, transport: transport)
        switch rule {
        case .faithful: try await check.faithful()
        case .everyStatus: try await check.everyStatus()
        case .noRedirects: try await check.noRedirects()
        case .wholeBodies: try await check.wholeBodies()
        case .responseLimit: try await check.responseLimit()
        case .concurrency: try await check.concurrency()
        case .deadline: try await check.deadline()
        case .pastDeadline: try await check.pastDeadline()
        case .cancellation: try await check.cancellation()
        case .cancelledBefore: try await check.cancelledBefore()
        case .manyCancellations: try await check.manyCancellations()
        case .onlyOnce: try await check.onlyOnce()
        case .refusedConnection: try await check.refusedConnection()
        case .cutHeader: try await check.cutHeader()
        case .shutdown: try await check.shutdown()
        case .privateAuthority: try await check.privateAuthority()
        case .http2: try await check.http2()
        default: throw Failure(rule: rule, message: "there is no check for this rule")
        }
    }

    /// The check of one rule on one transport.
    struct Check: Sendable {
        let suite: TransportConformance
        let rule: Rule
        let transport: any HTTPTransport

        func expect(_ holds: Bool, _ message: @autoclosure () -> String) throws {
            if !holds { throw Failure(rule: rule, message: message()) }
        }

        func request(
            _ method: HTTPRequest.Method = .get, _ path: String, body: [UInt8]? = nil,
            within limit: Duration = .seconds(30), replay: TransportRequest.Replay = .never
        ) -> TransportRequest {
            TransportRequest(
                method: method, origin: suite.origin, path: path, headerFields: [.conformance: "kept"], body: body,
                deadline: .now + limit, replay: replay)
        }

        /// The error of a call that should fail.
        func failure(of request: TransportRequest) async throws -> any Error {
            do {
                let response = try await transport.send(request)
                throw Failure(rule: rule, message: "\(request) succeeded with \(response.status)")
            } catch let failure as Failure {
                throw failure
            } catch { return error }
        }

        func expectToWork(after what: String) async throws {
            let body = Array("after".utf8)
            let response = try await transport.send(request(.post, "/echo", body: body))
            try expect(response.status == .ok && response.body == body, "after \(what), the next call does not work")
        }

        /// A number that names this request alone.
        func freshNumber() -> UInt64 { .random(in: 1...(1 << 52)) }

        func arrivals(of number: UInt64) async throws -> Int? {
            let response = try await transport.send(request(.get, "/arrivals/\(number)"))
            return Int(String(decoding: response.body, as: UTF8.self))
        }
    }
}

// MARK: - Responses

extension TransportConformance.Check {
    func faithful() async throws {
        let body = Array(#"{"a":1}"#.utf8)
        for (method, body) in [
            (HTTPRequest.Method.get, nil), (.post, body), (.put, body), (.post, []), (.post, nil), (.delete, nil),
        ] {
            let path = "/echo/a%2Eb?q=%20x&y=1"
            let response = try await transport.send(request(method, path, body: body))
            try expect(response.body == body ?? [], "the body of \(method) changed")
            try expect(response.headerFields[.conformanceMethod] == method.rawValue, "the method \(method) changed")
            try expect(response.headerFields[.conformancePath] == path, "the path of \(method) changed")
            try expect(response.headerFields[.conformance] == "kept", "a header field of \(method) is missing")
        }
    }

    func everyStatus() async throws {
        for status in [200, 201, 204, 400, 401, 403, 404, 422, 429, 500, 502, 503] {
            let response = try await transport.send(request(.get, "/status/\(status)"))
            try expect(response.status.code == status, "status \(status) arrived as \(response.status)")
            try expect(response.body.isEmpty == (status == 204), "the body of status \(status) changed")
        }
    }

    func noRedirects() async throws {
        let response = try await transport.send(request(.get, "/redirect"))
        try expect(response.status == .temporaryRedirect, "the redirect arrived as \(response.status)")
        try expect(response.headerFields[.location] == "/echo", "the redirect has no location")
    }

    func wholeBodies() async throws {
        let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ ($0 >> 8)) }
        let echo = try await transport.send(request(.post, "/echo", body: bytes))
        try expect(echo.body == bytes, "a body of 300000 bytes changed; it has \(echo.body.count) bytes")
        for count in [0, 1, 1_000_000] {
            let response = try await transport.send(request(.get, "/bytes/\(count)"))
            try expect(response.body.count == count, "a body of \(count) bytes has \(response.body.count)")
        }
    }

    func responseLimit() async throws {
        guard let limit = suite.responseLimit else { return }
        let whole = try await transport.send(request(.get, "/bytes/\(limit)"))
        try expect(whole.body.count == limit, "a body of \(limit) bytes has \(whole.body.count)")
        let error = try await failure(of: request(.get, "/bytes/\(limit + 1)"))
        try expect(
            (error as? TransportError)?.code == .responseTooLarge,
            "a body of \(limit + 1) bytes failed with another error: \(error)")
        try await expectToWork(after: "a response beyond the limit")
    }

    func concurrency() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<64 {
                group.addTask {
                    let body = Array("\(number)".utf8)
                    let response = try await transport.send(request(.post, "/echo", body: body))
                    try expect(response.body == body, "a call got the response to another one")
                }
            }
            try await group.waitForAll()
        }
    }

    func privateAuthority() async throws {
        try expect(suite.origin.hasPrefix("https:"), "the origin does not use HTTPS; declare the exemption")
        _ = try await transport.send(request(.get, "/echo"))
    }

    func http2() async throws {
        let response = try await transport.send(request(.get, "/echo"))
        let version = response.metrics?.httpVersion
        try expect(version == .http2, "the version is \(version?.description ?? "unknown")")
    }

    func onlyOnce() async throws {
        for _ in 0..<20 {
            let number = freshNumber()
            let response = try await transport.send(request(.post, "/once/\(number)", body: [1], replay: .never))
            try expect(response.status == .ok, "the status is \(response.status)")
            let count = try await arrivals(of: number)
            try expect(count == 1, "the request arrived \(count.map(String.init) ?? "an unknown number of") times")
        }
    }
}
