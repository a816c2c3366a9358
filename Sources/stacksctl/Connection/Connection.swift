import Foundation
import Logging
import StacksAPI
import StacksCurl
import StacksTransport
import StacksURLSession

/// Owns the transport of one invocation, and the client that speaks over it.
struct Connection {
    /// Who speaks, and to where.
    let endpoint: Endpoint
    let client: StacksClient
    /// What the client sends passes through here.
    let observed: ObservedTransport
    /// How many connections were opened, where the transport can tell.
    let connectionsOpened: @Sendable () -> Int?
    private let shutdown: @Sendable () async -> Void

    /// - Throws: ``Failure`` or `StacksAPIError` when the options do not make sense.
    init(options: GlobalOptions, logger: Logger) throws {
        endpoint = try Endpoint(options: options, environment: ProcessInfo.processInfo.environment)
        if let note = endpoint.note { logger.debug("\(note)") }
        // Where the system's libraries run out of descriptors, they end the process.
        _ = try DescriptorLimit.raise()
        do {
            switch options.transport {
            case .curl:
                let transport = try CurlTransport(configuration: Self.curl(options))
                observed = ObservedTransport(transport)
                connectionsOpened = { transport.statistics.connectionsOpened }
                shutdown = { await transport.shutdown() }
            case .urlsession:
                #if canImport(FoundationNetworking)
                    if let baseURL = endpoint.baseURL { Self.leaveProxyOut(baseURL) }
                #endif
                let transport = try URLSessionTransport(configuration: Self.urlSession(options))
                observed = ObservedTransport(transport)
                connectionsOpened = { nil }
                shutdown = { await transport.shutdown() }
            }
        } catch let error as CurlSetupError {
            throw Failure.usage(printable(error.message))
        } catch let error as TransportError {
            throw Failure.usage(printable(error.message))
        }
        var configuration = StacksClient.Configuration()
        if let baseURL = endpoint.baseURL { configuration.baseURL = baseURL }
        configuration.allowsInsecureHTTP = options.allowsInsecureHTTP
        if let timeout = options.timeout { configuration.requestTimeout = timeout.duration }
        if options.noRetry { configuration.retryPolicy = .never }
        configuration.logsPayloads = options.logPayloads
        configuration.userAgentPrefixes = ["stacksctl/\(StacksAPIVersion.current)"]
        client = try StacksClient(
            token: endpoint.token,
            transport: observed,
            configuration: configuration,
            logger: logger
        )
    }

    /// Runs `body`, and closes the transport whatever comes of it.
    func closing<Result>(_ body: () async throws -> Result) async throws -> Result {
        do {
            let result = try await body()
            await shutdown()
            return result
        } catch {
            await shutdown()
            throw error
        }
    }
}
