import HTTPTypes
import StacksTesting
import StacksTransport
import Synchronization
import Testing

@testable import StacksAPI

/// Lists longer than one request takes.
@Suite(.timeLimit(.minutes(5))) struct BatchTests {
    private let jobs = (0..<2500).map { JobID.numbered($0) }

    /// A client whose server responds by what is in the request.
    private func client(
        concurrent: Int = 4, _ response: @escaping @Sendable (TransportRequest) async throws -> TransportResponse
    ) throws -> (StacksClient, InMemoryTransport) {
        let transport = InMemoryTransport(handler: response)
        var configuration = StacksClient.Configuration()
        configuration.maximumConcurrentBatches = concurrent
        configuration.retryPolicy = .never
        configuration.requestTimeout = .seconds(3600)
        return (try StacksClient(token: "t", transport: transport, configuration: configuration), transport)
    }

    private static func ids(_ request: TransportRequest) -> [Substring] {
        (request.bodyText ?? "").split(separator: "\"").filter { $0.utf8.count == 36 }
    }

    private static func reserved(_ request: TransportRequest, _ fields: HTTPFields = [:]) -> TransportResponse {
        let list = ids(request).map { "\"\($0)\"" }.joined(separator: ",")
        return TransportResponse(
            status: .ok, headerFields: ResponseHeaderFields(fields),
            body: Array(#"{"reserved":[\#(list)],"not_reserved":[]}"#.utf8))
    }

    @Test("a list is split into requests of 1000, and the responses are joined in order", arguments: [1, 2, 4, 9])
    func joinsInOrder(concurrent: Int) async throws {
        let (client, transport) = try client(concurrent: concurrent) { Self.reserved($0) }
        let response = try await client.reserveJobs(jobs, stack: "s", expiry: .seconds(5))
        #expect(response.reserved == jobs)
        #expect(response.attempts == 3)
        #expect(response.failedBatches.isEmpty)
        #expect(transport.requests.map { Self.ids($0).count }.sorted() == [500, 1000, 1000])
        #expect(transport.requests.allSatisfy { $0.bodyText!.hasSuffix(#""reservation_expiry_seconds":5}"#) })
    }

    @Test("1000 items are one request and 1001 are two", arguments: [(1000, 1), (1001, 2)])
    func cutsAtTheLimit(_ count: Int, _ requests: Int) async throws {
        let (client, transport) = try client { Self.reserved($0) }
        _ = try await client.reserveJobs(Array(jobs[..<count]), stack: "s")
        #expect(transport.requests.count == requests)
    }

    @Test("no more requests are under way at the same time than allowed")
    func boundsConcurrency() async throws {
        let counts = Mutex((now: 0, most: 0))
        let (client, _) = try client(concurrent: 2) { request in
            counts.withLock {
                $0.now += 1
                $0.most = max($0.most, $0.now)
            }
            // The first waits for a second one, however the machine schedules them; then there is time for one too many,
            // and no harm in it when it is too short.
            try await wait { counts.withLock { $0.most } >= 2 }
            for _ in 0..<20 { await Task.yield() }
            counts.withLock { $0.now -= 1 }
            return Self.reserved(request)
        }
        let response = try await client.reserveJobs((0..<7500).map { .numbered($0) }, stack: "s")
        #expect(response.reserved.count == 7500)
        #expect(counts.withLock { $0.most } == 2)
    }

    @Test("the results of the other parts are kept when one fails, and the failure says which")
    func keepsWhatSucceeded() async throws {
        let (client, _) = try client { request in
            if Self.ids(request).first == "01890000-0000-7000-8000-0000000003e8" {
                return TransportResponse(status: .badGateway)
            }
            return Self.reserved(request)
        }
        let response = try await client.reserveJobs(jobs, stack: "s")
        #expect(response.reserved == Array(jobs[..<1000] + jobs[2000...]))
        #expect(response.failedBatches.map(\.range) == [1000..<2000])
        #expect(response.failedBatches.first?.error.code == .serverError)
        #expect([0, 999, 2000].allSatisfy { response.error(forItemAt: $0) == nil })
        #expect([1000, 1999].allSatisfy { response.error(forItemAt: $0)?.code == .serverError })
        #expect(response.attempts == 3)
    }

    @Test("the call throws when every part fails")
    func throwsWhenNothingSucceeded() async throws {
        let (client, _) = try client { _ in TransportResponse(status: .unauthorized) }
        let error = try await failure { _ = try await client.jobStates(jobs, stack: "s") }
        #expect(error.code == .unauthorized)
        #expect(error.attempts == 3)
    }

    @Test("if every part fails, the call may have taken effect if one part may have", arguments: [true, false])
    func uncertainParts(isLost: Bool) async throws {
        let (client, _) = try client { request in
            let isFirst = Self.ids(request).first == "01890000-0000-7000-8000-000000000000"
            return TransportResponse(status: isFirst || !isLost ? .tooManyRequests : .badGateway)
        }
        let error = try await failure { _ = try await client.reserveJobs(jobs, stack: "s") }
        #expect(error.code == .rateLimited)
        #expect(error.mayHaveTakenEffect == isLost)
    }

    @Test("the rate limit of a joined response is that of the part with the fewest requests left")
    func showsTheTightestLimit() async throws {
        let name = HTTPField.Name("RateLimit-Remaining")!
        let (client, _) = try client { request in
            Self.reserved(request, [name: Self.ids(request).count == 500 ? "3" : "9"])
        }
        #expect(try await client.reserveJobs(jobs, stack: "s").rateLimit?.remaining == 3)
    }

    @Test("cancelling a call without any response ends all parts")
    func cancels() async throws {
        let (client, _) = try client { _ in
            try await Task.sleep(for: .seconds(3600))
            return TransportResponse(status: .ok)
        }
        let task = Task { [jobs] in try await client.reserveJobs(jobs, stack: "s") }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test("states and tokens are joined too")
    func joinsOthers() async throws {
        let (client, _) = try client { request in
            let isStates = request.path.hasSuffix("get-states")
            let items = Self.ids(request).map { id in
                isStates ? "\"\(id)\":\"running\"" : "{\"job_uuid\":\"\(id)\",\"job_acquisition_token\":\"t-\(id)\"}"
            }.joined(separator: ",")
            let body =
                isStates ? "{\"states\":{\(items)}}" : "{\"job_acquisition_tokens\":[\(items)],\"not_issued\":[\"x\"]}"
            return TransportResponse(status: .created, body: Array(body.utf8))
        }
        let states = try await client.jobStates(jobs, stack: "s")
        #expect(states.states.count == 2500)
        #expect(jobs.allSatisfy { states[$0] == .running })
        let tokens = try await client.issueJobAcquisitionTokens(for: jobs, stack: "s")
        #expect(tokens.issued.map(\.job) == jobs)
        #expect(tokens.notIssued == ["x", "x", "x"])
        #expect(tokens.status == .created)
    }

    @Test("notifications are sent one request after the other, and positions refer to the whole list")
    func movesPositions() async throws {
        let underWay = Mutex(0)
        let (client, transport) = try client { request in
            let others = underWay.withLock { count in
                defer { count += 1 }
                return count
            }
            #expect(others == 0)
            await Task.yield()
            underWay.withLock { $0 -= 1 }
            if Self.ids(request).count == 1000, request.bodyText!.contains("8000-0000000003e8") {
                return TransportResponse(status: .unprocessableContent)
            }
            return TransportResponse(status: .ok, body: Array(#"{"errors":[{"error":"no","indexes":[0,7]}]}"#.utf8))
        }
        let response = try await client.notify(jobs.map { JobNotification(job: $0, detail: "d") }, stack: "s")
        #expect(
            response.failures == [
                NotificationFailure(error: "no", indexes: [0, 7]),
                NotificationFailure(error: "no", indexes: [2000, 2007]),
            ])
        #expect(response.failedBatches.map(\.range) == [1000..<2000])
        #expect(transport.requests.map { Self.ids($0).count } == [1000, 1000, 500])
    }
}
