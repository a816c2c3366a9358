import HTTPTypes
import Logging
import StacksTesting
import StacksTransport

@testable import StacksAPI

/// A client over a scripted transport, with everything about it in reach.
struct Testbed: Sendable {
    static let token = "bkct_s3cr3tAgentToken"

    let client: StacksClient
    let transport: InMemoryTransport
    let log: RecordedLog

    init(
        _ steps: [InMemoryTransport.Step] = [],
        clock: any Clock<Duration> = ContinuousClock(),
        transportClock: any Clock<Duration> = ContinuousClock(),
        logLevel: Logger.Level = .trace,
        configure: (inout StacksClient.Configuration) -> Void = { _ in },
        randomBits: (@Sendable () -> UInt64)? = { 0 }
    ) throws {
        var configuration = StacksClient.Configuration()
        configuration.clock = clock
        // On the real clock no request is ended by time.
        if clock is ContinuousClock { configuration.requestTimeout = .seconds(3600) }
        configure(&configuration)
        transport = InMemoryTransport(clock: transportClock, script: steps)
        log = RecordedLog()
        client = StacksClient(
            core: try ClientCore(
                token: .fixed(Secret(Self.token)),
                transport: clock is ContinuousClock ? transport : Timeless(inner: transport),
                configuration: configuration,
                logger: log.logger(logLevel),
                environment: ClientEnvironment(clock: clock, randomBits: randomBits)
            )
        )
    }

    /// The only request that was sent.
    var request: TransportRequest {
        get throws {
            guard transport.requests.count == 1 else { throw Unexpected("\(transport.requests.count) requests") }
            return transport.requests[0]
        }
    }
}

struct Unexpected: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

extension InMemoryTransport.Step {
    static func response(
        _ status: HTTPResponse.Status = .ok, _ body: String = "{}", _ fields: HTTPFields = [:]
    ) -> InMemoryTransport.Step {
        .respond(
            TransportResponse(status: status, headerFields: ResponseHeaderFields(fields), body: Array(body.utf8)))
    }

    static func responses(_ statuses: HTTPResponse.Status...) -> [InMemoryTransport.Step] {
        statuses.map { .response($0) }
    }

    /// The connection broke off after the request was sent.
    static let lostResponse = fail(TransportError(code: .connectionClosed, phase: .waiting, message: "closed"))
    /// No connection could be made.
    static let refused = fail(TransportError(code: .connect, phase: .connecting, message: "refused"))
}

extension TransportRequest {
    var bodyText: String? { body.map { String(decoding: $0, as: UTF8.self) } }
}

/// Runs `body` and gives the error that the client threw.
func failure(_ body: () async throws -> Void) async throws -> StacksAPIError {
    do {
        try await body()
    } catch let error as StacksAPIError {
        return error
    }
    throw Unexpected("no error was thrown")
}

extension JobID {
    /// A canonical UUID that ends with `number`.
    static func numbered(_ number: Int) -> JobID {
        let digits = String(number, radix: 16)
        return JobID("01890000-0000-7000-8000-" + String(repeating: "0", count: 12 - digits.count) + digits)
    }

    static let sample = JobID("01890a5d-ac96-774b-bcce-b302099a8057")
}
