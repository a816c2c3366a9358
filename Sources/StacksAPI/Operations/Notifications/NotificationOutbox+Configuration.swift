#if canImport(FoundationEssentials)
    public import FoundationEssentials
#else
    public import Foundation
#endif

extension NotificationOutbox {
    /// What happens when the outbox is full.
    public struct Overflow: Sendable, Hashable {
        private enum Wrapped { case wait, dropOldest }
        private let wrapped: Wrapped

        /// ``NotificationOutbox/post(_:)`` waits for room.
        public static let wait = Overflow(wrapped: .wait)
        /// The oldest notification is dropped and reported as undelivered.
        public static let dropOldest = Overflow(wrapped: .dropOldest)
    }

    /// How an outbox behaves.
    public struct Configuration: Sendable {
        /// The most notifications that wait to be sent. Default: 10 000, which are ten requests.
        public var capacity = 10_000
        /// What happens when that many wait. Default: ``NotificationOutbox/post(_:)`` waits.
        public var overflow = Overflow.wait
        /// How long a notification waits for others to be sent in the same request. Default: 100 ms, which readers do
        /// not notice.
        public var maximumDelay = Duration.milliseconds(100)
        /// The most notifications of a request. Default: 1000, the API's maximum.
        public var batchSize = 1000 {
            didSet { batchSize = min(max(batchSize, 1), 1000) }
        }
        /// How long to wait after a request failed with all its retries before its notifications are sent again.
        /// Default: 5 s.
        public var pauseAfterFailure = Duration.seconds(5)
        /// The options of the requests.
        public var callOptions = CallOptions()
        /// Receives notifications that will not be shown, with the reason. It is called on the task that posts or runs,
        /// and should return quickly. Default: does nothing.
        public var onUndelivered: @Sendable ([UndeliveredNotification]) -> Void = { _ in }
        /// Whether a notification without a timestamp gets the time at which it was posted. Default: yes. Without one it is
        /// shown with the time at which the server receives it, whatever the clocks say.
        public var addsTimestamps = true
        /// The current date, for timestamps. Default: this machine's.
        public var now: @Sendable () -> Date = { Date() }

        /// The defaults.
        public init() {}
    }
}

/// A notification that is not shown.
public struct UndeliveredNotification: Sendable {
    /// Why a notification is not shown.
    public enum Reason: Sendable {
        /// The server rejected it for this reason.
        case refused(String)
        /// The request failed. If ``StacksAPIError/mayHaveTakenEffect`` is true, it may be shown all the same.
        case failed(StacksAPIError)
        /// The job has had its 100 notifications.
        case limitOfJob
        /// It was the oldest of a full outbox.
        case dropped
        /// The outbox was finished or cancelled before it was sent.
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
