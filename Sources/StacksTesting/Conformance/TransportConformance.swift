public import StacksTransport

/// Checks that a transport keeps the rules of `HTTPTransport`: for those who write their own.
///
/// It talks to a server of yours that answers as ``ConformanceServer`` does, and reports what it found as values, so
/// that it works under any test framework:
///
/// ```swift
/// var suite = TransportConformance(origin: server.origin) { try MyTransport() }
/// suite.exemptions = [.http2]
/// let report = await suite.run()
/// #expect(report.failures.isEmpty, "\(report)")
/// ```
///
/// What an engine cannot do is declared in ``exemptions``, and shows in the report.
public struct TransportConformance: Sendable {
    /// A rule that a transport keeps. More may come.
    public struct Rule: Sendable, Hashable, CustomStringConvertible {
        /// What the rule says.
        public let description: String

        init(_ description: String) { self.description = description }
    }

    /// A rule that was broken, and how.
    public struct Failure: Error, Sendable, CustomStringConvertible {
        /// Which one.
        public let rule: Rule
        /// What happened instead.
        public let message: String

        /// Rule and message.
        public var description: String { "\(rule): \(message)" }
    }

    /// What a run of the suite found.
    public struct Report: Sendable, CustomStringConvertible {
        /// Rules that are kept, in the order in which they were checked.
        public internal(set) var kept: [Rule] = []
        /// Rules that are broken.
        public internal(set) var failures: [Failure] = []
        /// Rules that were not checked, because they were declared as exemptions.
        public internal(set) var exempted: [Rule] = []

        /// A line for each rule.
        public var description: String {
            let lines =
                kept.map { "kept      \($0)" } + exempted.map { "exempted  \($0)" } + failures.map { "BROKEN    \($0)" }
            return lines.joined(separator: "\n")
        }
    }

    /// Scheme, host and port of the server.
    public var origin: String
    /// Rules that are not checked, because the engine cannot keep them or the server gives no occasion to.
    public var exemptions: Set<Rule> = []
    /// The longest body that the transport accepts, in bytes; `nil` exempts ``Rule/responseLimit``.
    public var responseLimit: Int?
    /// How late a call may end after its deadline or its cancellation. 5 s by default: what a busy machine needs, and
    /// far less than a hang.
    public var patience: Duration = .seconds(5)

    let makeTransport: @Sendable () async throws -> any HTTPTransport
    let shutdown: (@Sendable (any HTTPTransport) async -> Void)?

    /// A suite for one kind of transport.
    ///
    /// - Parameters:
    ///   - origin: Scheme, host and port of the server.
    ///   - makeTransport: Makes a transport that reaches the server; called for each rule.
    ///   - shutdown: Ends a transport; when left out, ``Rule/shutdown`` is exempted.
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
                    report.failures.append(Failure(rule: rule, message: "a call failed that should not: \(error)"))
                }
                await shutdown?(transport)
            } catch {
                report.failures.append(Failure(rule: rule, message: "no transport could be made: \(error)"))
            }
        }
        return report
    }

    private func isExempted(_ rule: Rule) -> Bool {
        exemptions.contains(rule) || rule == .shutdown && shutdown == nil
            || rule == .responseLimit && responseLimit == nil
    }
}
