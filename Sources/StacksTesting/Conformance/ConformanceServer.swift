import HTTPTypes
public import StacksTransport
import Synchronization

/// The responses of a server for ``TransportConformance``. Use it behind any HTTP server, or pass ``respond(to:)`` to an
/// ``InMemoryTransport``.
///
/// | Path | Response |
/// | --- | --- |
/// | `/echo` | 200 with the request's body, `x-method`, `x-path` (with the query), and the request's `x-conformance` |
/// | `/once/N` | the same; requests are counted for each N |
/// | `/arrivals/N` | 200 with the number of requests for `/once/N` |
/// | `/status/N` | status N with a small body, except for 204 |
/// | `/bytes/N` | 200 with N times `x` |
/// | `/delay/MS` | 200 after MS milliseconds |
/// | `/redirect` | 307 with `location: /echo` |
/// | `/never` | no response |
public final class ConformanceServer: Sendable {
    private let arrivals = Mutex<[String: Int]>([:])
    private let clock: any Clock<Duration>

    /// Creates a server that has received no requests.
    ///
    /// - Parameter clock: The clock for delays.
    public init(clock: any Clock<Duration> = ContinuousClock()) {
        self.clock = clock
    }

    /// The response to a request. It depends on method, path, header fields and body.
    ///
    /// - Throws: `CancellationError` when the task is cancelled during a delay.
    public func respond(to request: TransportRequest) async throws -> TransportResponse {
        let parts = request.path.prefix { $0 != "?" }.split(separator: "/")
        let argument = parts.count > 1 ? String(parts[1]) : ""
        switch parts.first {
        case "echo"?:
            return echo(request)
        case "once"?:
            arrivals.withLock { $0[argument, default: 0] += 1 }
            return echo(request)
        case "arrivals"?:
            let count = arrivals.withLock { $0[argument, default: 0] }
            return TransportResponse(status: .ok, body: Array("\(count)".utf8))
        case "status"?:
            let status = HTTPResponse.Status(code: Int(argument).map { min(max($0, 200), 599) } ?? 404)
            return TransportResponse(status: status, body: status == .noContent ? [] : Array(#"{"ok":true}"#.utf8))
        case "bytes"?:
            let count = min(max(Int(argument) ?? 0, 0), 1 << 28)
            return TransportResponse(status: .ok, body: Array(repeating: UInt8(ascii: "x"), count: count))
        case "delay"?:
            try await clock.sleep(for: .milliseconds(Int(argument) ?? 0))
            return TransportResponse(status: .ok)
        case "redirect"?:
            return TransportResponse(status: .temporaryRedirect, headerFields: [.location: "/echo"])
        case "never"?:
            while true { try await clock.sleep(for: .seconds(3600)) }
        default:
            return TransportResponse(status: .notFound)
        }
    }

    private func echo(_ request: TransportRequest) -> TransportResponse {
        var fields = HTTPFields()
        fields[.conformanceMethod] = request.method.rawValue
        fields[.conformancePath] = request.path
        fields[.conformance] = request.headerFields[.conformance]
        return TransportResponse(
            status: .ok, headerFields: ResponseHeaderFields(fields), body: request.body ?? [])
    }
}

extension HTTPField.Name {
    static let conformance = HTTPField.Name("x-conformance")!
    static let conformanceMethod = HTTPField.Name("x-method")!
    static let conformancePath = HTTPField.Name("x-path")!
}
