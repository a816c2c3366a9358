import CoreMetrics
import HTTPTypes
import Logging
import StacksTransport
import Synchronization

/// What all copies of a client share.
final class ClientCore: Sendable {
    let baseURL: BaseURL
    let transport: any HTTPTransport
    let configuration: StacksClient.Configuration
    let environment: ClientEnvironment
    let credentials: Credentials
    let redaction: Redaction
    let log: CallLogger?
    let governor: RateGovernor?
    let budget: SharedRetryBudget?
    let metrics: ClientMetrics?
    /// Whether any response had another status than 404: then the base URL is one.
    let hasFoundAnything = Atomic<Bool>(false)

    init(
        token: TokenSource,
        transport: any HTTPTransport,
        configuration: StacksClient.Configuration,
        logger: Logger?,
        environment: ClientEnvironment? = nil
    ) throws(StacksAPIError) {
        baseURL = try BaseURL(configuration.baseURL, allowsInsecureHTTP: configuration.allowsInsecureHTTP)
        if let problem = configuration.problem(of: transport, for: baseURL) {
            throw Argument.failure(problem, for: nil)
        }
        let redaction = Redaction()
        credentials = try Credentials(
            token, userAgentPrefixes: configuration.userAgentPrefixes, redaction: redaction, logger: logger)
        if let problem = configuration.problem { throw Argument.failure(problem, for: nil) }
        self.redaction = redaction
        log = logger.map { CallLogger($0, logsPayloads: configuration.logsPayloads, redaction: redaction) }
        self.transport = transport
        self.configuration = configuration
        self.environment = environment ?? ClientEnvironment(clock: configuration.clock)
        metrics = ClientMetrics(configuration.metricsFactory ?? MetricsSystem.factory)
        governor = configuration.pacesRequests ? RateGovernor() : nil
        budget = configuration.retryBudget.map(SharedRetryBudget.init)
    }

    // MARK: Paths

    /// `relative` under the base URL's own path.
    func path(_ relative: String) -> CallPath { CallPath(text: baseURL.pathPrefix + relative) }

    /// A stack's path. The key has been checked, so that it needs no encoding.
    func path(_ head: StaticString, _ stackKey: String, _ tail: StaticString) -> CallPath {
        let size = baseURL.pathPrefix.utf8.count + head.utf8CodeUnitCount + stackKey.utf8.count + tail.utf8CodeUnitCount
        let text = PathWriter.path(capacity: size) { path in
            path.append(baseURL.pathPrefix)
            path.append(head)
            path.append(stackKey)
            path.append(tail)
        }
        return CallPath(text: text, stack: stackKey)
    }

    /// The path of a stack's job.
    func path(
        _ head: StaticString, _ stackKey: String, _ middle: StaticString, _ job: JobID, _ tail: StaticString = ""
    ) -> CallPath {
        let size =
            baseURL.pathPrefix.utf8.count + head.utf8CodeUnitCount + stackKey.utf8.count + middle.utf8CodeUnitCount
            + PathWriter.size(job) + tail.utf8CodeUnitCount
        let text = PathWriter.path(capacity: size) { path in
            path.append(baseURL.pathPrefix)
            path.append(head)
            path.append(stackKey)
            path.append(middle)
            path.append(job)
            path.append(tail)
        }
        return CallPath(text: text, stack: stackKey)
    }

    // MARK: Calls

    /// Makes a call whose response is a JSON document.
    func perform<Value: Sendable>(
        _ endpoint: Endpoint,
        path: CallPath,
        body: [UInt8]? = nil,
        options: CallOptions,
        decode: (inout JSONReader) throws(JSONError) -> Value
    ) async throws -> StacksResponse<Value> {
        try decoded(try await send(endpoint, path: path, body: body, options: options), decode)
    }

    /// Decodes a response and ends its call.
    @inline(never)
    private func decoded<Value: Sendable>(
        _ received: ReceivedResponse, _ decode: (inout JSONReader) throws(JSONError) -> Value
    ) throws -> StacksResponse<Value> {
        do throws(JSONError) {
            let value = try JSONReader.read(received.response.body, decode)
            end(received.call, .success(received))
            return received.with(value)
        } catch {
            let error = failure(decoding: received, error)
            end(received.call, .unreadable(received, error))
            throw error
        }
    }

    /// Makes a call whose response has no value: a body, if there is one, is not read.
    func perform(
        _ endpoint: Endpoint,
        path: CallPath,
        body: [UInt8]? = nil,
        options: CallOptions
    ) async throws -> StacksResponse<NoContent> {
        let received = try await send(endpoint, path: path, body: body, options: options)
        end(received.call, .success(received))
        return received.with(NoContent())
    }
}

/// Where a call goes.
struct CallPath: Sendable {
    /// Path and query, percent-encoded.
    var text: String
    /// The stack's key when it is in the path.
    var stack: String?
}

extension StacksClient.Configuration {
    /// What is wrong with the values that no other type checks, or `nil`.
    fileprivate var problem: String? {
        if requestTimeout <= .zero { return "The request time-out has to be more than 0, not \(requestTimeout)." }
        if maximumConcurrentBatches < 1 {
            return "At least 1 batch has to be under way at a time, not \(maximumConcurrentBatches)."
        }
        return retryBudget?.problem ?? retryPolicy.problem
    }

    /// Why the token may not go to the base URL over this transport, or `nil`.
    fileprivate func problem(of transport: any HTTPTransport, for baseURL: BaseURL) -> String? {
        guard !allowsInsecureHTTP, let transport = transport as? any ProxiedTransport,
            let proxy = transport.plaintextProxy(for: baseURL.origin)
        else { return nil }
        return "The base URL \(baseURL) would send the token in plaintext through the proxy \(proxy). Use https or no "
            + "proxy, or allow insecure HTTP explicitly when that is what you want."
    }
}
