#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

extension StacksSimulator {
    /// What a simulator is like.
    public struct Configuration: Sendable {
        /// What job UUIDs, tokens and chances are made from. The same seed and the same calls give the same bytes.
        public var seed: UInt64 = 1
        /// The path that the API is under, `/v3` by default.
        public var basePath = "/v3"
        /// The organisations; the first one is the one that calls speak of when they name none.
        public var organizations: [Organization] = [Organization()]
        /// Whether requests beyond a limit are refused. The header fields are there either way.
        public var enforcesRateLimits = true
        /// Requests in one second by rate-limit scope; a scope that is not in it has the limit of `default`.
        public var rateLimits = Configuration.documentedRateLimits
        /// Whether a 429 carries `Retry-After`.
        public var sendsRetryAfter = true
        /// How long a change takes to show in the listing of scheduled jobs: for that long a job that has just been
        /// reserved is still listed, and a new one is not listed yet.
        public var listingDelay: Duration = .zero
        /// How long a reservation lasts when the request does not say. Older servers had 300 seconds.
        public var defaultReservationExpiry: Duration = .seconds(900)
        /// How long a token lives when the request does not say.
        public var defaultTokenLifetime: Duration = .seconds(900)

        /// The documented rules for one organisation.
        public init() {}

        /// The limits that Buildkite documents; it documents none for tokens, so theirs is made up.
        public static let documentedRateLimits: [String: Int] = [
            "default": 10, "list-scheduled-jobs": 10, "batch-reserve": 10, "show-job": 1000,
            "batch-load-job-states": 20, "job-acquisition-tokens": 20, "finish-job": 100, "stack-notification": 200,
        ]
    }

    /// An organisation with one cluster.
    public struct Organization: Sendable {
        /// Its name in URLs.
        public var slug: String
        /// The queues of its cluster. The first is the default one, which `_default` and `__default__` mean too.
        public var queues: [String]
        /// The cluster's agent token; made from the seed when left out.
        public var token: String?
        /// When the agent token stops being accepted.
        public var tokenExpiresAt: Date?
        /// Whether the token belongs to a cluster; the Stacks API takes no other.
        public var isClustered = true
        /// How many stacks may be registered at a time.
        public var stackLimit = 100
        /// Whether the organisation is unavailable for now, which is a 503 for every call.
        public var isUnavailable = false

        /// An organisation.
        public init(slug: String = "acme", queues: [String] = ["default"], token: String? = nil) {
            self.slug = slug
            self.queues = queues
            self.token = token
        }
    }
}
