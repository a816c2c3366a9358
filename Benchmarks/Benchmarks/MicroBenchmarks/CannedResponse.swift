import HTTPTypes
import StacksAPI
import StacksTransport
import Workload

/// A transport that gives every request the same response at once, so that what is left is the client's own work.
struct CannedResponse: HTTPTransport {
    private let response: TransportResponse

    init(_ body: [UInt8]) {
        response = TransportResponse(
            status: .ok, headerFields: ResponseHeaderFields(lines: Self.headerLines), body: body)
    }

    init(_ body: String) { self.init(Array(body.utf8)) }

    /// The header block of a response of the API.
    static let headerLines = Array(WireResponse.fields().map { "\($0.name): \($0.value)\r\n" }.joined().utf8)

    nonisolated(nonsending) func send(_ request: TransportRequest) async throws -> TransportResponse { response }

    /// A client that gets this response.
    func client() throws -> StacksClient {
        var configuration = StacksClient.Configuration()
        configuration.retryPolicy = .never
        return try StacksClient(token: WireRequest.token, transport: self, configuration: configuration)
    }
}

/// The jobs that calls are about.
let jobs = Identifiers.jobs.map { JobID($0) }
