import Contestant
import HTTPTypes
import StacksAPI
import StacksContestant
import StacksTransport
import Workload

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// `StacksClient` with responses in memory: what the client itself costs; with `--bare` and `--full`, without
/// everything that can be left out of it and with all of it.
@main
enum StacksMemoryContestant: ContestantProgram {
    static func run() async throws {
        let arguments = ContestantArguments()
        let equipment: Equipment =
            arguments.flags.contains("--bare") ? .bare : arguments.flags.contains("--full") ? .full : .standard
        let calls = try StacksCalls(
            baseURL: arguments.baseURL, transport: PreparedResponses(), equipment: equipment)
        try await Conversation.hold(engine: "no network") { order, latencies in
            await calls.carryOut(order, latencies)
        }
    }
}

/// Responds to each request with the document that the server would send.
///
/// It also compares the request with what the floor sends, so that a comparison of different requests fails.
private struct PreparedResponses: HTTPTransport {
    private let documents: [(request: WireRequest, response: TransportResponse)] = Call.allCases.map { call in
        let lines = WireResponse.fields(of: call).map { "\($0.name): \($0.value)\r\n" }.joined()
        let response = TransportResponse(
            status: .ok, headerFields: ResponseHeaderFields(lines: Array(lines.utf8)), body: call.response)
        return (call.request, response)
    }

    nonisolated(nonsending) func send(_ request: TransportRequest) async throws -> TransportResponse {
        // Compared as one piece of memory: byte by byte it would cost more than what is measured.
        guard
            let document = documents.first(where: {
                $0.request.path == request.path && $0.request.body?.count == request.body?.count
            }), document.request.method == request.method.rawValue,
            Self.areEqual(document.request.body ?? [], request.body ?? [])
        else { throw DifferentRequest(description: "\(request.method) \(request.path) is not what the floor sends") }
        return document.response
    }

    private static func areEqual(_ lhs: [UInt8], _ rhs: [UInt8]) -> Bool {
        lhs.withUnsafeBytes { lhs in
            rhs.withUnsafeBytes { rhs in
                guard lhs.count == rhs.count, let first = lhs.baseAddress, let second = rhs.baseAddress else {
                    return lhs.isEmpty && rhs.isEmpty
                }
                return memcmp(first, second, lhs.count) == 0
            }
        }
    }

    struct DifferentRequest: Error, CustomStringConvertible {
        var description: String
    }
}
