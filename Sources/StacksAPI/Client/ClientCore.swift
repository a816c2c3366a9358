import HTTPTypes
import Logging
import StacksTransport

final class ClientCore: Sendable {
    let baseURL = ""
    init(token: Secret, transport: any HTTPTransport, configuration: StacksClient.Configuration, logger: Logger?) throws
    {}
    func path(_ a: String) -> String { a }
    func path(_ a: String, _ b: String, _ c: String) -> String { a + b + c }
    func path(_ a: String, _ b: String, _ c: String, _ d: JobID, _ e: String = "") -> String {
        a + b + c + d.description + e
    }
    enum Field { case finishDetail }
    func cropped(_ s: String, to: Field, of: StacksOperation) -> String { s }
    func perform<V: Sendable>(
        _ e: Endpoint, path: String, body: [UInt8]? = nil, options: CallOptions,
        decode: (inout JSONReader) throws(JSONError) -> V
    ) async throws -> StacksResponse<V> { throw Argument.failure("unfinished", for: e.operation) }
    func perform(_ e: Endpoint, path: String, body: [UInt8]? = nil, options: CallOptions) async throws
        -> StacksResponse<NoContent>
    { throw Argument.failure("unfinished", for: e.operation) }
    func performInBatches<V: Sendable>(
        _ e: Endpoint, path: String, jobs: [JobID], request: JobListRequest, options: CallOptions,
        decode: @Sendable (inout JSONReader) throws(JSONError) -> V, join: ([V]) -> V
    ) async throws -> StacksResponse<V> { throw Argument.failure("unfinished", for: e.operation) }
    func notify(_ n: [JobNotification], path: String, options: CallOptions) async throws -> StacksResponse<
        NotificationResult
    > { throw Argument.failure("unfinished", for: .notify) }
}
