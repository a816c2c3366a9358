import HTTPTypes
import HostGuard
import Hummingbird
import HummingbirdCore
import NIOCore
import StacksTesting
import StacksTransport

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The endpoints that scripts inspect and control the simulator with. They are under `/_simulator`, apart from the API,
/// and need no token: only this machine can reach them, and ``RequestGuard`` refuses web pages.
struct ControlEndpoints: Sendable {
    static let root = "/_simulator"

    var simulator: StacksSimulator
    var connections: ConnectionCounts
    /// The clock, if scripts move it.
    var clock: ManualClock?
    /// The path of the API.
    var apiPath: String
    /// What the simulator had at its start.
    var start: StacksSimulator.Start

    /// Whether a request is for the control side, or for `/`.
    static func serves(_ target: String) -> Bool {
        let path = target.prefix { $0 != "?" }
        return path == "/" || path == root || path.hasPrefix(root + "/")
    }

    func respond(method given: HTTPRequest.Method, target: String, body: [UInt8]) -> Response {
        // The server leaves the body out.
        let method = given == .head ? .get : given
        do {
            let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
            if parts[0] == "/" { return method == .get ? text(overview) : refuse(method, at: "/", whichHas: [.get]) }
            let segments: [String] = try parts[0].dropFirst(Self.root.count).split(separator: "/").map {
                segment -> String in
                guard let segment = PercentEncoding.text(segment, plusIsSpace: false) else {
                    throw ControlFailure.badRequest("The percent-encoding of the path is invalid.")
                }
                return segment
            }
            let routes = ControlRoute.all.compactMap { route in
                route.values(in: segments).map { (route: route, values: $0) }
            }
            guard !routes.isEmpty else {
                let path = VisibleText.escaped(String(parts[0]), limit: 200)
                throw ControlFailure.notFound(
                    "There is no \(path); GET \(Self.root) lists what there is.")
            }
            guard let (route, values) = routes.first(where: { $0.route.method == method }) else {
                return refuse(method, at: routes[0].route.fullPath, whichHas: routes.map(\.route.method))
            }
            let query = parts.count == 2 ? parts[1] : nil
            return try route.perform(self, try route.call(values: values, query: query, body: body, in: simulator))
        } catch let failure as ControlFailure {
            return respond(to: failure)
        } catch {
            return Response(status: .internalServerError)
        }
    }

    private func refuse(
        _ method: HTTPRequest.Method, at path: String, whichHas methods: [HTTPRequest.Method]
    ) -> Response {
        let names = methods.flatMap { $0 == .get ? ["GET", "HEAD"] : [$0.rawValue] }.joined(separator: ", ")
        var response = respond(
            to: ControlFailure(
                status: .methodNotAllowed,
                message: "\(path) has no \(VisibleText.escaped(method.rawValue, limit: 100)); it has: \(names)."))
        response.headers[.allow] = names
        return response
    }

    func respond(to failure: ControlFailure) -> Response {
        (try? json(["message": failure.message], status: failure.status)) ?? Response(status: failure.status)
    }

    /// The response to a refused request.
    func refuse(_ refusal: RequestGuard.Refusal) -> Response {
        respond(to: ControlFailure(status: refusal.status, message: refusal.message))
    }

    /// What `GET /` says.
    private var overview: String {
        let places = [
            ("\(apiPath)/…", "the API, for stacks and agents"),
            (Self.root, "what scripts and tests inspect and control it with, without a token"),
            ("\(Self.root)/page", "the same for people, in a browser"),
        ]
        let width = places.map(\.0.count).max() ?? 0
        return "stacks-simulator: Buildkite's Stacks API on this machine.\n\n"
            + places.map { path, about in
                "\(path)\(String(repeating: " ", count: width - path.count))  \(about)"
            }.joined(separator: "\n")
    }

    /// What `GET /_simulator` says.
    var index: String {
        ControlRoute.all.map { "\($0.method.rawValue) \($0.fullPath): \($0.summary)" }.joined(separator: "\n")
    }

    func text(_ text: String) -> Response {
        plain(ByteBuffer(string: text + "\n"))
    }

    /// The last bytes of a log.
    func log(of job: SimulatedJob, last: Int) -> Response { plain(ByteBuffer(bytes: job.logBytes(last: last))) }

    /// A job decides what its log is, so that no browser may take a text for a page.
    private func plain(_ bytes: ByteBuffer) -> Response {
        Response(
            status: .ok, headers: [.contentType: "text/plain; charset=utf-8", .xContentTypeOptions: "nosniff"],
            body: ResponseBody(byteBuffer: bytes))
    }

    func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
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

    /// What is said of a queue that another organization has, but not this one.
    func missing(_ queue: String, of organization: String?) -> ControlFailure {
        .badRequest(
            "queue is \(ControlValue.text(queue).shown), which the organization does not have; it has: "
                + "\(queues(organization)).")
    }

    /// The queues of an organization for a message.
    func queues(_ slug: String?) -> String {
        let organizations = simulator.organizations
        return (organizations.first { slug == nil || $0.slug == slug }?.queues ?? []).shown
    }

    /// The job in the path, as `find` gives it.
    func job(
        _ call: ControlCall, _ find: (String) -> SimulatedJob?
    ) throws(ControlFailure) -> SimulatedJob {
        let id = call.values["job"] ?? ""
        guard let job = find(id) else {
            throw .notFound("There is no job \(VisibleText.escaped(id, limit: 100)).")
        }
        return job
    }

    func job(_ call: ControlCall) throws(ControlFailure) -> SimulatedJob { try job(call) { simulator.job($0) } }
}
