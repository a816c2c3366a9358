import Foundation
import HTTPTypes
import StacksTransport

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

extension URLRequest {
    /// Converts the request.
    ///
    /// - Throws: `TransportError` with the code `invalidRequest` for requests that the engine would reject less clearly.
    init(_ request: TransportRequest) throws {
        func refuse(_ message: String) -> TransportError {
            TransportError(code: .invalidRequest, phase: .queued, message: message)
        }
        guard request.path.hasPrefix("/") else { throw refuse("the path of \(request) must begin with a slash") }
        guard let url = URL(string: request.url), let host = url.host, !host.isEmpty else {
            throw refuse("\(ShownURL.text(request.origin)) with the path of \(request) is not a URL")
        }
        guard let scheme = url.scheme?.lowercased(), scheme == "http" || scheme == "https" else {
            throw refuse("the scheme of \(ShownURL.text(request.origin)) must be https or http")
        }
        guard request.method != .get || request.body == nil else {
            throw refuse("\(request) has a body, which URLSession does not send with a GET")
        }
        self.init(url: url, cachePolicy: .reloadIgnoringLocalCacheData)
        httpMethod = request.method.rawValue
        httpShouldHandleCookies = false
        // The transport enforces the deadline. The engine's own timeout counts from the last byte, and on Linux in whole
        // seconds.
        timeoutInterval = 24 * 60 * 60
        for field in request.headerFields {
            addValue(field.value, forHTTPHeaderField: field.name.rawName)
        }
        if let body = request.body { httpBody = Data(body) }
    }
}
