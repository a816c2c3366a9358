public import StacksTransport

/// Checks that a transport keeps the rules of `HTTPTransport`.
///
/// It sends requests to a server of yours that responds like ``ConformanceServer``, and returns a report, so that it works
/// with any test framework:
///
/// ```swift
/// var suite = TransportConformance(origin: server.origin) { try MyTransport() }
/// suite.exemptions = [.http2]
/// let report = await suite.run()
/// #expect(report.failures.isEmpty, "\(report)")
/// ```
///
/// Declare what an engine cannot do as ``exemptions``. The report lists them.
public struct TransportConformance: Sendable {
    /// A rule for transports. Later versions may add rules.
    public struct Rule: Sendable, Hashable, CustomStringConvertible {
        /// The text of the rule.
        public let description: String

        init(_ description: String) { self.description = description }
    }

    /// A violation of a rule.
    public struct Failure: Error, Sendable, CustomStringConvertible {
        /// The rule.
        public let rule: Rule
        /// What happened instead.
        public let message: String

        /// Rule and message.
        public var description: String { "\(rule): \(message)" }
    }

    /// The result of the suite.
    public struct Report: Sendable, CustomStringConvertible {
        /// Rules that the transport keeps, in the order of the checks.
        public internal(set) var kept: [Rule] = []
        /// Rules that the transport violates.
        public internal(set) var failures: [Failure] = []
        /// Rules that were declared as exemptions and not checked.
        public internal(set) var exempted: [Rule] = []

        /// One line for each rule.
        public var description: String {
            let lines =
                kept.map { "kept      \($0)" } + exempted.map { "exempted  \($0)" } + failures.map { "BROKEN    \($0)" }
            return lines.joined(separator: "\n")
        }
    }

    /// Scheme, host and port of the server.
    public var origin: String
    /// Rules that are not checked, because the engine cannot keep them or the server does not support the check.
    public var exemptions: Set<Rule> = []
    /// The largest body that the transport accepts, in bytes; `nil` exempts ``Rule/responseLimit``.
    public var responseLimit: Int?
    /// How long after its deadline or cancellation a call may end. Default: 5 s, enough for a busy machine.
    public var patience: Duration = .seconds(5)

    let makeTransport: @Sendable () async throws -> any HTTPTransport
    let shutdown: (@Sendable (any HTTPTransport) async -> Void)?

    /// Creates a suite for a transport.
    ///
    /// - Parameters:
    ///   - origin: Scheme, host and port of the server.
    ///   - makeTransport: Creates a transport that can connect to the server; called for each rule.
    ///   - shutdown: Shuts a transport down. When left out, ``Rule/shutdown`` is exempted.
    public init(
        origin: String,
        makeTransport: @escaping @Sendable () async throws -> any HTTPTransport,
        shutdown: (@Sendable (any HTTPTransport) async -> Void)? = nil
    ) {
        self.origin = origin
        self.makeTransport = makeTransport
        self.shutdown = shutdown
    }

    /// Checks every rule, one after the other.
    public func run() async -> Report {
        var report = Report()
        for rule in Rule.all {
            if isExempted(rule) {
                report.exempted.append(rule)
                continue
            }
            do {
                let transport = try await makeTransport()
                do {
                    try await check(rule, transport)
                    report.kept.append(rule)
                } catch let failure as Failure {
                    report.failures.append(failure)
                } catch {
                    report.failures.append(Failure(rule: rule, message: "a call failed unexpectedly: \(error)"))
                }
                await shutdown?(transport)
            } catch {
                report.failures.append(
                    Failure(rule: rule, message: "the transport could not be created: \(error)"))
            }
        }
        return report
    }

    private func isExempted(_ rule: Rule) -> Bool {
        exemptions.contains(rule) || rule == .shutdown && shutdown == nil
            || rule == .responseLimit && responseLimit == nil
    }
}
