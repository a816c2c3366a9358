import CoreMetrics
import HTTPTypes
import Logging
import StacksTransport
import Synchronization

/// What all copies of a client share.
final class ClientCore: Sendable {
    let baseURL: BaseURL
    private let paths: PathMemo
    let transport: any HTTPTransport
    let configuration: StacksClient.Configuration
    let environment: ClientEnvironment
    let credentials: Credentials
    let redaction: Redaction
    let log: CallLogger?
    let governor: RateGovernor?
    let budget: SharedRetryBudget?
    let metrics: ClientMetrics?
    /// Whether any response had another status than 404. Then the base URL is right.
    private let hasSeenOtherThan404 = Atomic<Bool>(false)

    init(
        token: TokenProvider,
        transport: any HTTPTransport,
        configuration: StacksClient.Configuration,
        logger: Logger?,
        environment: ClientEnvironment? = nil
    ) throws(ConfigurationError) {
        baseURL = try configuration.checked(for: transport)
        paths = PathMemo(prefix: baseURL.pathPrefix)
        let redaction = Redaction()
        credentials = try Credentials(
            token, userAgentPrefixes: configuration.userAgentPrefixes, redaction: redaction, logger: logger)
        self.redaction = redaction
        log = logger.map { CallLogger($0, logsPayloads: configuration.logsPayloads, redaction: redaction) }
        self.transport = transport
        self.configuration = configuration
        self.environment = environment ?? ClientEnvironment(clock: configuration.clock)
        metrics = ClientMetrics(configuration.metricsFactory ?? MetricsSystem.factory)
        governor = configuration.pacesRequests ? RateGovernor() : nil
        budget = configuration.retryBudget.map(SharedRetryBudget.init)
    }

    /// The definition and the path of a call, with the parameters that its path has.
    ///
    /// Call `Argument.check(stackKey:)` before: the key is not encoded.
    func target(_ operation: StacksOperation, stack: String? = nil, job: JobID? = nil) -> CallTarget {
        let definition = operation.definition
        let path = paths.path(definition, stack: stack, job: job)
        return CallTarget(definition: definition, path: path, stack: stack, job: job)
    }

    /// A response had another status than 404.
    func sawStatusOtherThan404() { hasSeenOtherThan404.store(true, ordering: .relaxed) }

    /// Whether a 404 may be due to a base URL without `/v3`: it has none, and no response had another status.
    var mayLackVersion: Bool { !baseURL.endsWithVersion && !hasSeenOtherThan404.load(ordering: .relaxed) }
}

/// Where a call goes: its operation, with the path that its arguments make.
struct CallTarget: Sendable {
    let definition: OperationDefinition
    /// Path and query, percent-encoded.
    var path: String
    /// The stack's key, unless the call is about none.
    let stack: String?
    /// The job, when it is in the path.
    let job: JobID?
}

/// The time and the random numbers of a client.
struct ClientEnvironment: Sendable {
    /// The present instant, for deadlines.
    var now: @Sendable () -> Moment
    /// Waits, or throws `CancellationError` when the task is cancelled.
    var sleep: @Sendable (Duration) async throws -> Void
    /// 64 random bits, for jitter.
    var randomBits: @Sendable () -> UInt64

    /// Time by `clock`. Instants of another clock than the continuous one are counted from now on.
    init(clock: any Clock<Duration>, randomBits: (@Sendable () -> UInt64)? = nil) {
        if clock is ContinuousClock {
            now = { .now }
        } else {
            now = Self.instants(of: clock)
        }
        sleep = { duration in
            var rest = duration
            repeat {
                // A day at a time: the continuous clock traps on an instant beyond what its 64 bits of seconds hold.
                try await clock.sleep(for: min(rest, .seconds(86_400)), tolerance: nil)
                rest -= .seconds(86_400)
            } while rest > .zero
        }
        self.randomBits =
            randomBits ?? {
                var generator = SystemRandomNumberGenerator()
                return generator.next()
            }
    }

    private static func instants<C: Clock<Duration>>(of clock: C) -> @Sendable () -> Moment {
        let origin = clock.now
        let base = Moment.now
        return { base + origin.duration(to: clock.now) }
    }
}

/// Makes a generator of a function.
struct FunctionGenerator: RandomNumberGenerator {
    let bits: @Sendable () -> UInt64

    mutating func next() -> UInt64 { bits() }
}
