import HTTPTypes
public import StacksTransport
import Synchronization

/// What a server has to answer, for ``TransportConformance``; put it behind any HTTP server, or hand ``answer(to:)`` to
/// an ``InMemoryTransport``.
///
/// | Path | Answer |
/// | --- | --- |
/// | `/echo` | 200 with the request's body; `x-method` and `x-path` (with the query), and `x-conformance` if it came |
/// | `/once/N` | the same; arrivals are counted for each N |
/// | `/arrivals/N` | 200; how often `/once/N` arrived, in digits |
/// | `/status/N` | that status; a small body unless it is 204 |
/// | `/bytes/N` | 200 with so many times `x` |
/// | `/delay/MS` | 200 after so many milliseconds |
/// | `/redirect` | 307 with `location: /echo` |
/// | `/never` | none |
public final class ConformanceServer: Sendable {
    private let arrivals = Mutex<[String: Int]>([:])
    private let clock: any Clock<Duration>

    /// A server at which nothing has arrived.
    ///
    /// - Parameter clock: What delays are waited for on.
    public init(clock: any Clock<Duration> = ContinuousClock()) {
        self.clock = clock
    }

    /// The answer to a request, of which method, path, header fields and body are looked at.
    ///
    /// - Throws: `CancellationError` when the task is cancelled while it waits.
    public func answer(to request: TransportRequest) async throws -> TransportResponse {
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
