import Contestant
import HTTPTypes
import StacksAPI
import StacksContestant
import StacksTransport
import Workload

/// `StacksClient` over answers that are in memory: what the client itself costs; with `--bare` and `--full`, without
/// everything that can be left out of it and with all of it.
@main
enum StacksMemoryContestant {
    static func main() async throws {
        let arguments = ContestantArguments()
        let equipment: Equipment =
            arguments.flags.contains("--bare") ? .bare : arguments.flags.contains("--full") ? .full : .standard
        let calls = try StacksCalls(
            baseURL: arguments.baseURL, transport: PreparedAnswers(), equipment: equipment)
        try await Conversation.hold(engine: "no network") { order, latencies in
            await calls.carryOut(order, latencies)
        }
    }
}

/// Answers each request with the document that the server answers it with.
///
/// It also compares the request with what the floor sends, so that a comparison of different requests fails.
private struct PreparedAnswers: HTTPTransport {
    private let documents: [(call: Call, request: WireRequest, response: TransportResponse)] = Call.allCases.map {
        call in
        let lines = WireAnswer.fields.map { "\($0.name): \($0.value)\r\n" }.joined()
        let response = TransportResponse(
            status: .ok, headerFields: ResponseHeaderFields(lines: Array(lines.utf8)), body: call.answer)
        return (call, call.request, response)
    }

    nonisolated(nonsending) func send(_ request: TransportRequest) async throws -> TransportResponse {
        let call = Routes.call(path: request.path, bodySize: request.body?.count ?? 0)
        guard let document = documents.first(where: { $0.call == call }), document.request.path == request.path,
            document.request.method == request.method.rawValue, document.request.body == request.body
        else { throw DifferentRequest(description: "\(request.method) \(request.path) is not what the floor sends") }
        return document.response
    }

    struct DifferentRequest: Error, CustomStringConvertible {
        var description: String
    }
}
