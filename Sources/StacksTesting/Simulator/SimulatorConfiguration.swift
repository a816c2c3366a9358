#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

extension StacksSimulator {
    /// The configuration of a simulator.
    public struct Configuration: Sendable {
        /// The seed of job UUIDs, tokens and probabilities. Equal seeds and equal calls give equal bytes.
        public var seed: UInt64 = 1
        /// The path of the API. Default: `/v3`.
        public var basePath = "/v3"
        /// The organizations. The first one is the default for calls that name none.
        public var organizations: [Organization] = [Organization()]
        /// Whether requests beyond a rate limit are refused. Responses have the rate-limit fields in either case.
        public var enforcesRateLimits = true
        /// The limits in requests per second, by scope. Other scopes have the limit of `default`.
        public var rateLimits = Configuration.documentedRateLimits
        /// Whether a 429 has a `Retry-After` field.
        public var sendsRetryAfter = true
        /// The delay of the listing of scheduled jobs: for that time after a change, reserved jobs are still listed, and
        /// new jobs are not listed.
        public var listingDelay: Duration = .zero
        /// When a reservation expires, unless the request sets it. Older servers used 300 seconds.
        public var defaultReservationExpiry: Duration = .seconds(900)
        /// The lifetime of a token, unless the request sets it.
        public var defaultTokenLifetime: Duration = .seconds(900)
        /// How many requests the journal keeps; fewer if they name very many jobs. The oldest are dropped first.
        public var journalLimit = 10_000

        /// What agents are told, and what is kept of their jobs.
        public var agents = Agents()

        /// The documented limits, and one organization.
        public init() {}

        /// The limits that Buildkite documents. It documents none for tokens; the simulator assumes one.
        public static let documentedRateLimits: [String: Int] = [
            "default": 10, "list-scheduled-jobs": 10, "batch-reserve": 10, "show-job": 1000,
            "batch-load-job-states": 20, "job-acquisition-tokens": 20, "finish-job": 100, "stack-notification": 200,
        ]
    }

    /// An organization with one cluster.
    public struct Organization: Sendable {
        /// The name in URLs.
        public var slug: String
        /// The keys of the cluster's queues. The first is the default queue, with the aliases `_default` and `__default__`.
        public var queues: [String]
        /// The cluster's agent token. `nil` generates one from the seed. Of two organizations with the same token, the first
        /// one has it.
        public var token: String?
        /// Further agent tokens of the cluster.
        public var moreTokens: [String] = []
        /// When ``token`` expires, or `nil`.
        public var tokenExpiresAt: Date?
        /// Whether the token belongs to a cluster. The Stacks API accepts no other tokens.
        public var isClustered = true
        /// The largest number of registered stacks.
        public var stackLimit = 100
        /// Whether the organization is unavailable: every call then gets a 503.
        public var isUnavailable = false

        /// Creates an organization.
        public init(slug: String = "acme", queues: [String] = ["default"], token: String? = nil) {
            self.slug = slug
            self.queues = queues
            self.token = token
        }
    }
}
