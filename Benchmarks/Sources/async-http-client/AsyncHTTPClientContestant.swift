import AsyncHTTPClient
import Contestant
import NIOCore
import NIOFoundationEssentialsCompat
import NIOHTTP1
import NIOSSL
import Workload

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// async-http-client, with Codable models read and written by Foundation.
@main
enum AsyncHTTPClientContestant: ContestantProgram {
    static func run() async throws {
        let arguments = ContestantArguments()
        var configuration = HTTPClient.Configuration.singletonConfiguration
        configuration.tlsConfiguration = .makeClientConfiguration()
        configuration.tlsConfiguration?.trustRoots = .file(arguments.authorityFile)
        configuration.redirectConfiguration = .disallow
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        let calls = CodableCalls(client: client, origin: arguments.origin)
        try await Conversation.hold(engine: "async-http-client") { order, latencies in
            await CallRun(order, latencies: latencies).perform(calls)
        }
        try await client.shutdown()
    }
}

/// The calls of the comparison, as somebody makes them who has no client for this API.
struct CodableCalls: Caller {
    let client: HTTPClient
    let origin: String
    private let paths = Dictionary(uniqueKeysWithValues: Call.allCases.map { ($0, $0.request.path) })
    private let methods = Dictionary(uniqueKeysWithValues: Call.allCases.map { ($0, $0.request.method) })

    init(client: HTTPClient, origin: String) {
        self.client = client
        self.origin = origin
    }

    func make(_ call: Call) async throws {
        let jobs = Identifiers.jobs
        switch call {
        case .states1, .states1000:
            let list = Models.JobList(jobUuids: call == .states1 ? [jobs[0]] : jobs)
            let states: Models.States = try await send(call, body: list)
            try expect(states.states.count == call.jobCount)
        case .job:
            let job: Models.Job = try await send(call)
            try expect(job.env.count == 40)
        case .list100, .list1000:
            let page: Models.Page = try await send(call)
            try expect(page.jobs.count == call.jobCount)
        case .reserve1000:
            let reservation: Models.Reservation = try await send(call, body: Models.JobList(jobUuids: jobs))
            try expect(reservation.reserved.count == call.jobCount)
        case .finish:
            let body = Models.Finish(exitStatus: 1, detail: WireRequest.finishDetail)
            _ = try await execute(call, body: JSONEncoder().encode(body))
        case .notify1000:
            let items = jobs.map { Models.Notifications.Item(jobUuid: $0, detail: WireRequest.notificationDetail) }
            let result: Models.NotificationResult = try await send(
                call, body: Models.Notifications(notifications: items))
            try expect(result.errors.isEmpty)
        }
    }

    private func send<Response: Decodable>(_ call: Call) async throws -> Response {
        try decode(await execute(call, body: nil))
    }

    private func send<Response: Decodable>(_ call: Call, body: some Encodable) async throws -> Response {
        try decode(await execute(call, body: JSONEncoder().encode(body)))
    }

    private func decode<Response: Decodable>(_ body: ByteBuffer) throws -> Response {
        try JSONDecoder.forAPI.decode(Response.self, from: body)
    }

    private func execute(_ call: Call, body: Data?) async throws -> ByteBuffer {
        var request = HTTPClientRequest(url: origin + paths[call, default: "/"])
        request.method = HTTPMethod(rawValue: methods[call, default: "GET"])
        request.headers.add(name: "authorization", value: "Token \(WireRequest.token)")
        request.headers.add(name: "accept", value: "application/json")
        request.headers.add(name: "user-agent", value: "async-http-client")
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(data: body))
        }
        let response = try await client.execute(request, timeout: .seconds(30))
        try expect(response.status == .ok)
        return try await response.body.collect(upTo: 16 << 20)
    }

    private func expect(_ isTrue: Bool) throws {
        if !isTrue { throw UnexpectedResponse() }
    }

    struct UnexpectedResponse: Error {}
}
