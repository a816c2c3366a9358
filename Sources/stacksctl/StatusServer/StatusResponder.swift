import EmbeddedPages
import HTTPTypes
import HostGuard
import HummingbirdCore
import NIOCore
import StacksController
import StacksTransport

/// Responds to requests of the status server. It only reads.
struct StatusResponder: Sendable {
    private static let places = "There are /, /status, /metrics, /livez and /readyz"

    let subject: StatusSubject
    let documents: StatusDocuments
    let requestGuard: RequestGuard

    func respond(to request: HTTPRequest) async -> Response {
        var response = await answer(to: request)
        for field in HTTPFields.privateToSite { response.headers[field.name] = field.value }
        // A HEAD gets the head of the same response, the length included.
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func answer(to request: HTTPRequest) async -> Response {
        do throws(RequestGuard.Refusal) {
            try requestGuard.checkReading(request)
        } catch {
            return Self.text(error.status, error.message)
        }
        guard request.method == .get || request.method == .head else {
            var refusal = Self.text(.methodNotAllowed, "This server only tells: use GET or HEAD.")
            refusal.headers[.allow] = "GET, HEAD"
            return refusal
        }
        let target = request.path ?? ""
        let path = target.prefix { $0 != "?" }
        switch path {
        case "/":
            let (fields, document) = EmbeddedPage.status.fresh()
            return Response(
                status: .ok, headers: fields, body: ResponseBody(byteBuffer: ByteBuffer(string: document)))
        case "/metrics": return Self.body(await documents.metrics(), ExpositionText.contentType)
        case "/status":
            switch StatusQuery.parsing(target) {
            case .success(let query): return Self.body(await documents.status(query), "application/json")
            case .failure(let problem): return Self.text(.badRequest, problem.message)
            }
        case "/livez": return Self.health(subject.liveness)
        case "/readyz": return Self.health(subject.readiness)
        default:
            let shown = VisibleText.escaped(String(path.prefix(100)))
            return Self.text(.notFound, "There is no '\(shown)' here. \(Self.places).")
        }
    }

    private static func health(_ health: ControllerHealth) -> Response {
        text(health.isGood ? .ok : .serviceUnavailable, health.reason)
    }

    private static func text(_ status: HTTPResponse.Status, _ line: String) -> Response {
        var response = body(ByteBuffer(string: "\(line)\n"), "text/plain; charset=utf-8")
        response.status = status
        return response
    }

    private static func body(_ bytes: ByteBuffer, _ type: String) -> Response {
        Response(status: .ok, headers: [.contentType: type], body: ResponseBody(byteBuffer: bytes))
    }
}
