public import StacksAPI
import StacksTransport

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension StackController {
    /// What a controller does, and how often.
    public struct Configuration: Sendable {
        /// When a controller ends by itself.
        public enum Mode: Sendable, Hashable {
            /// Never: it runs until it is shut down.
            case continuous
            /// As soon as no scheduled job matches it, or the queue is paused. Running jobs end first.
            ///
            /// It does not wait for a launcher without end: after three more launches that fail when three in a row have, and
            /// after ten tries of one that can start nothing, it ends with ``StackControllerError/Code/launcherUnusable``. A job
            /// that its agent could not acquire three times, or found locked thirty times, is left to others.
            case untilIdle
        }

        /// The stack's key, 1 to 80 characters of `A-Z a-z 0-9 _ -`. Keys are organization-wide: two controllers need
        /// two keys.
        public var stackKey: String

        /// The queue that the stack serves.
        public var queue: QueueKey

        /// What the stack offers, to be matched with the rules of a job (`os=linux`): see ``JobMatcher``. A key can have
        /// several values, or any: `["os": "linux", "image": ["a", "b"], "arch": .any]`.
        public var tags: [String: TagValues] = [:]

        /// Decides instead of ``tags`` which of the listed jobs the stack takes; `nil`, the default, for a ``JobMatcher``
        /// with the tags. Of what it does not take the log names the reason, one line for each.
        ///
        /// The controller calls it for every job of every page: it must return at once and must not block. For an
        /// unchanged job it should return the same, because a job that is reserved already is not asked about again.
        public var matcher: (@Sendable (ScheduledJob) -> JobMatcher.Verdict)?

        /// The kind of stack: `custom`, except for Buildkite's own.
        public var stackType: StackType = .custom

        /// What is shown with the stack on Buildkite.
        public var metadata: [String: String] = [:]

        /// How many jobs may be reserved, launching, running or not settled yet at a time. 10 by default.
        public var maximumInFlight: Int = 10

        /// How many slots of a ``SlotPool`` are kept for this stack, however much the others want. None by default, and at most
        /// ``maximumInFlight``. Without a pool it means nothing.
        public var minimumSlots: Int = 0

        /// The time between two polls while nothing happens, and up to a tenth more. 1 second by default. A queue without a
        /// poll for about 30 seconds is shown as disconnected.
        ///
        /// While jobs come and slots are free it polls more often: up to half as often as Buildkite allows (5 times a second,
        /// unless responses say otherwise), and never more often than that, whatever the interval.
        public var pollInterval: Duration = .seconds(1)

        /// How long one poll may take at most. 10 seconds by default: a poll into a connection that has died is given up
        /// by then, and there is time for others on a new one before the queue is shown as disconnected. A list of 1000
        /// jobs is about 350 KB.
        public var pollTimeout: Duration = .seconds(10)

        /// The time between two requests for the states of launched jobs. 5 seconds by default.
        public var watchInterval: Duration = .seconds(5)

        /// How long a reservation holds without being renewed, in whole seconds up to 3600. 300 seconds by default: so
        /// long does a job wait when its controller dies. The controller renews it while a job waits or launches.
        public var reservationExpiry: Duration = .seconds(300)

        /// How long a job acquisition token lives, in whole seconds up to 3600; `nil` leaves it to the server (900
        /// seconds). An agent that starts slowly needs longer.
        public var tokenLifetime: Duration?

        /// How long a launched job may be without an agent before its launcher is stopped and the job given back; `nil`
        /// for the life of its token. It is never more than that, by the token's `expires_at`: after it no agent can
        /// take the job.
        public var startTimeout: Duration?

        /// How long a launcher may run on when its job is over for Buildkite, before it is stopped. 5 minutes by
        /// default: an agent uploads and cleans up after a job.
        public var lingerTimeout: Duration = .seconds(300)

        /// After what time a launcher that was cancelled and has not ended is reported as one that keeps its slot. 60
        /// seconds by default.
        public var stopTimeout: Duration = .seconds(60)

        /// The exit status of a job that is finished because its launcher ended before an agent had taken it: -1 by
        /// default, as Buildkite's own controller has it, so that retry rules of pipelines hold here too. Not 0, and at
        /// most 255. The detail names the launcher's exit status.
        public var launchFailureExitStatus: Int = -1

        /// When the controller ends by itself.
        public var mode: Mode = .continuous

        /// Whether it only polls, matches, and logs what it would start, without reserving anything.
        public var isDryRun: Bool = false

        /// Whether the page of a job says what the controller does with it until an agent has it: that it waits, and whether
        /// for a slot, a token or the launcher; that it is reserved or being launched; that it was given back and why. Each is
        /// shown once for a job. What a ``LauncherUnavailable`` says, or how launches end that fail, is shown there too, cropped. On by default; what cannot be shown is left out, and
        /// nothing waits for it.
        public var notifiesJobs: Bool = true

        /// Whether the stack is de-registered at the end.
        public var deregistersAtEnd: Bool = true

        /// The time between two lines of status in the log; `nil` for none. 60 seconds by default.
        public var statusInterval: Duration? = .seconds(60)

        /// How long an ending controller waits for responses about its jobs once the last launcher has ended. 30 seconds by
        /// default. With zero it waits for none: what is under way then is sent, and may be lost.
        public var settleTimeout: Duration = .seconds(30)

        /// Whether the controller makes its calls on the executor that the client's transport prefers, which saves a
        /// `CurlTransport` a switch between threads for each of them. On by default.
        ///
        /// The client's log handler, metrics and tracer are called there too: turn it off if one of them blocks its
        /// thread. The launcher, the controller's own log and metrics, and the token provider never run there.
        public var usesTransportExecutor: Bool = true

        /// A controller for `queue`.
        public init(stackKey: String, queue: QueueKey = .default) {
            self.stackKey = stackKey
            self.queue = queue
        }
    }
}

extension StackController.Configuration {
    /// How long the controller waits for an agent to take a job: ``startTimeout``, or how long a token lives, which is 900
    /// seconds by default, and never longer than the token itself lives.
    ///
    /// - Parameters:
    ///   - tokenExpiresAt: When the token ends. It counts when that is to come and not further away than a token can
    ///     live: of two clocks that do not agree one is wrong, and the job must not be lost by that.
    ///   - serverTime: When the token was issued.
    func startLimit(tokenExpiresAt: Date? = nil, serverTime: Date? = nil) -> Duration {
        let configured = startTimeout ?? tokenLifetime
        guard let tokenExpiresAt, let serverTime else { return configured ?? .seconds(900) }
        let life = tokenExpiresAt.timeIntervalSince(serverTime)
        guard life > 0, life <= 3660 else { return configured ?? .seconds(900) }
        return min(.seconds(life), configured ?? .seconds(life))
    }

    /// ``matcher``, or the one for ``tags``.
    var effectiveMatcher: @Sendable (ScheduledJob) -> JobMatcher.Verdict {
        if let matcher { return matcher }
        let rules = JobMatcher(tags: tags)
        return { rules.verdict(on: $0.agentQueryRules) }
    }

    /// What ``validate()`` accepts of numbers, for whoever reads them from people before.
    package enum Accepted {
        package static let maximumInFlight = 1...SlotPool.maximumSlots
        package static let minimumSlots = 0...SlotPool.maximumSlots
        package static let longestPollTimeout = 3600
        package static let launchFailureExitStatus = -1...255
        /// A job that failed must not look like one that succeeded.
        package static let noLaunchFailureExitStatus = 0
    }

    /// Far from where sums of durations could overflow.
    private static let longestInterval = Duration.seconds(31_536_000)

    /// The name of a property that says which stack it is, and is another one in `other`.
    package func fixedPropertyThatDiffers(from other: Self) -> String? {
        let properties: [(name: String, isSame: Bool)] = [
            ("stackKey", stackKey == other.stackKey), ("queue", queue == other.queue),
            ("stackType", stackType == other.stackType), ("metadata", metadata == other.metadata),
            ("reservationExpiry", reservationExpiry == other.reservationExpiry),
            ("mode", mode == other.mode), ("isDryRun", isDryRun == other.isDryRun),
            ("usesTransportExecutor", usesTransportExecutor == other.usesTransportExecutor),
        ]
        return properties.first { !$0.isSame }?.name
    }

    package func validate() throws {
        func require(_ condition: Bool, _ message: @autoclosure () -> String) throws {
            if !condition { throw ConfigurationError(message()) }
        }
        do throws(StacksAPIError) {
            try StackSettings.check(key: stackKey, type: stackType, queue: queue, metadata: metadata)
            try StackSettings.check(reservationExpiry: reservationExpiry, tokenLifetime: tokenLifetime)
        } catch {
            throw ConfigurationError(error.message)
        }
        let inFlight = Accepted.maximumInFlight
        try require(
            maximumInFlight >= inFlight.lowerBound,
            "maximumInFlight must be at least \(inFlight.lowerBound), not \(maximumInFlight)")
        try require(
            maximumInFlight <= inFlight.upperBound,
            "maximumInFlight must be at most \(inFlight.upperBound), not \(maximumInFlight)")
        try require(
            (Accepted.minimumSlots.lowerBound...maximumInFlight).contains(minimumSlots),
            "minimumSlots must be from \(Accepted.minimumSlots.lowerBound) to maximumInFlight (\(maximumInFlight)), not \(minimumSlots)"
        )
        try require(
            pollInterval > .zero, "pollInterval must be positive, not \(pollInterval.formattedSeconds)")
        try require(
            pollTimeout > .zero && pollTimeout <= .seconds(Accepted.longestPollTimeout),
            "pollTimeout must be positive and at most \(Accepted.longestPollTimeout) seconds, not \(pollTimeout.formattedSeconds)"
        )
        try require(
            [pollInterval, watchInterval, startTimeout ?? .zero, lingerTimeout, stopTimeout, statusInterval ?? .zero]
                .allSatisfy { $0 <= Self.longestInterval } && settleTimeout <= Self.longestInterval,
            "An interval or a time-out is longer than a year")
        try require(
            watchInterval > .zero,
            "watchInterval must be positive, not \(watchInterval.formattedSeconds)")
        try require(
            reservationExpiry >= watchInterval * 3,
            "reservationExpiry must be from three times the watchInterval to \(StackSettings.seconds.upperBound) seconds, "
                + "not \(reservationExpiry.formattedSeconds)"
        )
        try require(
            startTimeout.map { $0 > .zero } ?? true,
            "startTimeout must be positive, not \((startTimeout ?? .zero).formattedSeconds)"
        )
        try require(lingerTimeout >= .zero, "lingerTimeout must not be negative, not \(lingerTimeout.formattedSeconds)")
        try require(
            stopTimeout > .zero, "stopTimeout must be positive, not \(stopTimeout.formattedSeconds)")
        try require(
            Accepted.launchFailureExitStatus.contains(launchFailureExitStatus)
                && launchFailureExitStatus != Accepted.noLaunchFailureExitStatus,
            "launchFailureExitStatus must be -1 or from 1 to 255, not \(launchFailureExitStatus)")
        try require(statusInterval.map { $0 > .zero } ?? true, "statusInterval must be positive")
        try require(settleTimeout >= .zero, "settleTimeout must not be negative")
        try require(tags.keys.allSatisfy { !$0.isEmpty && !$0.contains("=") }, "A tag's key is empty or holds a =")
        let valueless = tags.filter(\.value.isEmpty).keys.min()
        try require(valueless == nil, "The tag \(valueless ?? "") has no value: remove it, or give it one")
    }
}
