import HTTPTypes
import HostGuard
import Hummingbird
import HummingbirdCore
import NIOCore
import StacksTesting

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The endpoints that scripts inspect and control the simulator with. They are under `/_simulator`, apart from the API,
/// and need no token: only this machine can reach them, and ``RequestGuard`` refuses web pages.
struct ControlEndpoints: Sendable {
    static let basePath = "/_simulator/"

    var simulator: StacksSimulator
    var connections: ConnectionCounts

    /// The error that is sent as the response.
    private struct Failure: Error {
        var status: HTTPResponse.Status
        var message: String

        static func notFound(_ message: String) -> Failure { Failure(status: .notFound, message: message) }
        static func badRequest(_ message: String) -> Failure { Failure(status: .badRequest, message: message) }
    }

    func respond(method: HTTPRequest.Method, target: String, body: [UInt8]) -> Response {
        let path = target.dropFirst(Self.basePath.count).prefix { $0 != "?" }
        let segments = path.split(separator: "/").map(String.init)
        do {
            switch (method, segments.first, segments.count) {
            case (.get, "report", 1):
                return try json(ReportDocument(simulator.report, connections: connections.snapshot))
            case (.post, "jobs", 1): return try addJobs(body)
            case (.get, "jobs", 2): return try json(JobDocument(try requireJob(segments[1])))
            case (.get, "jobs", 3) where segments[2] == "log": return log(of: try requireJob(segments[1]))
            case (.get, "agents", 1): return try json(simulator.agents.map(AgentDocument.init))
            case (.post, "jobs", 3) where segments[2] == "cancel":
                let job = try requireJob(segments[1])
                simulator.cancel(job.id)
                return try json(JobDocument(try requireJob(job.id)))
            case (.post, "jobs", 3) where segments[2] == "move":
                let job = try requireJob(segments[1])
                simulator.move(job.id, to: .init(rawValue: try read(MoveDocument.self, from: body).state))
                return try json(JobDocument(try requireJob(job.id)))
            case (.post, "queues", 3) where ["pause", "resume"].contains(segments[2]):
                guard simulator.setPaused(segments[2] == "pause", queue: segments[1]) else {
                    throw Failure.notFound("There is no queue \(segments[1]).")
                }
                return Response(status: .noContent)
            case (.post, "faults", 1):
                guard let fault = try read(FaultDocument.self, from: body).fault else {
                    throw Failure.badRequest("The fault has an unknown kind or operation, or an invalid status.")
                }
                simulator.addFault(fault)
                return Response(status: .noContent)
            case (.delete, "faults", 1):
                simulator.removeFaults()
                return Response(status: .noContent)
            case (.post, "rate-limits", 2) where ["on", "off"].contains(segments[1]):
                simulator.setEnforcesRateLimits(segments[1] == "on")
                return Response(status: .noContent)
            case (.post, "organization", 2) where ["available", "unavailable"].contains(segments[1]):
                simulator.setUnavailable(segments[1] == "unavailable")
                return Response(status: .noContent)
            default: throw Failure.notFound("There is no \(method.rawValue) \(Self.basePath)\(path).")
            }
        } catch let failure as Failure {
            return (try? json(["message": failure.message], status: failure.status)) ?? Response(status: failure.status)
        } catch {
            return Response(status: .internalServerError)
        }
    }

    /// The response to a refused request.
    func refuse(_ refusal: RequestGuard.Refusal) -> Response {
        (try? json(["message": refusal.message], status: refusal.status)) ?? Response(status: refusal.status)
    }

    private func addJobs(_ body: [UInt8]) throws -> Response {
        let request = try read(AddJobsDocument.self, from: body)
        guard (1...1_000_000).contains(request.count ?? 1) else {
            throw Failure.badRequest("count must be between 1 and 1000000.")
        }
        let jobs = simulator.addJobs(request.count ?? 1, queue: request.queue ?? "_default", template: request.template)
        return try json(["jobs": jobs], status: .created)
    }

    private func requireJob(_ id: String) throws -> SimulatedJob {
        guard let job = simulator.job(id) else { throw Failure.notFound("There is no job \(id).") }
        return job
    }

    /// The bytes of a log. A job decides what they are, so that no browser may take them for a page.
    private func log(of job: SimulatedJob) -> Response {
        Response(
            status: .ok, headers: [.contentType: "text/plain; charset=utf-8", .xContentTypeOptions: "nosniff"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: job.logBytes)))
    }

    private func read<Document: Decodable>(_ type: Document.Type, from body: [UInt8]) throws -> Document {
        do {
            return try JSONDecoder().decode(type, from: Data(body.isEmpty ? Array("{}".utf8) : body))
        } catch {
            throw Failure.badRequest("The body does not match this endpoint.")
        }
    }

    private func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .custom { date, encoder in
            var container = encoder.singleValueContainer()
            try container.encode(date.iso8601)
        }
        let bytes = Array(try encoder.encode(value)) + [UInt8(ascii: "\n")]
        return Response(
            status: status, headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
        )
    }
}
