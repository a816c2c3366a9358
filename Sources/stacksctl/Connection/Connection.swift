import Logging
import StacksAPI
import StacksCurl
import StacksTransport

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Owns the transport of one invocation, and the client that uses it.
struct Connection {
    /// The token and the base URL.
    let endpoint: Endpoint
    let client: StacksClient
    /// Counts the client's requests.
    let observed: ObservedTransport
    /// How many connections were opened, if the transport counts them.
    let connectionsOpened: @Sendable () -> Int?
    private let shutdown: @Sendable () async -> Void

    /// - Parameter observation: Is told what calls cost and what limits they use.
    /// - Throws: ``Failure`` or `StacksAPIError` when the options do not make sense.
    init(
        options: GlobalOptions, tokenFileFallback: String? = nil, logger: Logger, observation: RunObservation? = nil
    ) throws {
        endpoint = try Endpoint(
            options: options, tokenFileFallback: tokenFileFallback, environment: ProcessInfo.processInfo.environment)
        if let note = endpoint.note { logger.debug("\(note)") }
        do {
            switch options.transport ?? .curl {
            case .curl:
                let transport = try CurlTransport(configuration: Self.curl(options))
                observed = ObservedTransport(transport, limits: observation?.limits)
                connectionsOpened = { transport.statistics.connectionsOpened }
                shutdown = { await transport.shutdown() }
            case .urlsession:
                let transport = try Self.urlSession(options, baseURL: endpoint.baseURL)
                observed = ObservedTransport(transport.transport, limits: observation?.limits)
                connectionsOpened = { nil }
                shutdown = transport.shutdown
            }
        } catch let error as ConfigurationError {
            throw Failure(error)
        }
        var configuration = StacksClient.Configuration()
        if let baseURL = endpoint.baseURL { configuration.baseURL = baseURL }
        configuration.allowsInsecureHTTP = options.allowsInsecureHTTP
        if let timeout = options.timeout { configuration.requestTimeout = timeout.duration }
        if options.noRetry { configuration.retryPolicy = .never }
        configuration.logsPayloads = options.logPayloads
        if let observation { configuration.metricsFactory = observation.metrics }
        configuration.userAgentPrefixes = ["stacksctl/\(StacksAPIVersion.current)"]
        do {
            client = try StacksClient(
                tokenProvider: endpoint.provider, transport: observed, configuration: configuration, logger: logger
            )
        } catch {
            throw Failure(error)
        }
    }

    /// Runs `body`, and closes the transport whether it returns or throws.
    func closing<Result>(_ body: () async throws -> Result) async throws -> Result {
        try await StacksTransport.closing(with: { await shutdown() }, after: body)
    }
}
