#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

extension NotificationOutbox {
    /// What happens to a notification that finds the outbox full.
    public struct Overflow: Sendable, Hashable {
        private enum Wrapped { case wait, dropOldest }
        private let wrapped: Wrapped

        /// ``NotificationOutbox/post(_:)`` waits until there is room.
        public static let wait = Overflow(wrapped: .wait)
        /// The oldest one is left out, and reported as undelivered.
        public static let dropOldest = Overflow(wrapped: .dropOldest)
    }

    /// How an outbox behaves.
    public struct Configuration: Sendable {
        /// How many notifications wait at most. Default: 10 000, ten requests' worth.
        public var capacity = 10_000
        /// What happens beyond that. Default: the one who posts waits.
        public var overflow = Overflow.wait
        /// How long a notification waits for others to be sent with. Default: 100 ms, which no reader notices.
        public var maximumDelay = Duration.milliseconds(100)
        /// How many are sent in one request at most. Default: 1000, the most that the API takes.
        public var batchSize = 1000 {
            didSet { batchSize = min(max(batchSize, 1), 1000) }
        }
        /// How long to wait after a request failed, with all its retries, before its notifications are tried again.
        /// Default: 5 s.
        public var pauseAfterFailure = Duration.seconds(5)
        /// What the requests do otherwise than the client.
        public var callOptions = CallOptions()
        /// Told of notifications that will not be shown, and why. It is called on the task that posts or runs: it
        /// should be quick. Default: nothing.
        public var onUndelivered: @Sendable ([UndeliveredNotification]) -> Void = { _ in }
        /// Whether a notification without a timestamp gets the time at which it was posted. Default: yes. Without one it is
        /// shown with the time at which the server receives it, whatever the clocks say.
        public var addsTimestamps = true
        /// The time of day, for timestamps. Default: this machine's.
        public var now: @Sendable () -> Date = { Date() }

        /// The defaults.
        public init() {}
    }
}

/// A notification that is not shown.
public struct UndeliveredNotification: Sendable {
    /// Why a notification is not shown.
    public enum Reason: Sendable {
        /// The server refused it, with this reason.
        case refused(String)
        /// The request failed. With ``StacksAPIError/mayHaveTakenEffect`` it may be shown all the same.
        case failed(StacksAPIError)
        /// The job has had the 100 notifications that it takes.
        case limitOfJob
        /// It was the oldest one of a full outbox.
        case dropped
        /// The outbox was finished or cancelled before it could be sent.
        case finished
    }

    /// The notification.
    public var notification: JobNotification
    /// Why it is not shown.
    public var reason: Reason

    /// A notification that is not shown.
    public init(_ notification: JobNotification, _ reason: Reason) {
        self.notification = notification
        self.reason = reason
    }
}
