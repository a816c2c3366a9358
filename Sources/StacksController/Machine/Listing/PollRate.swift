/// How often the list may be requested: at most half as often as Buildkite allows, which leaves the other half to people
/// and scripts that use the same stack key.
struct PollRate {
    /// What the documentation says of `list-scheduled-jobs`, in requests a second.
    private static let documentedLimit = 10

    /// However many requests are allowed, the list is not requested more often than this.
    private static let shortestSpacing = Duration.milliseconds(100)

    /// A second, and 50 ms because requests reach the server with different delays: while the delays differ by less than that,
    /// no more than ``allowed`` arrive within a second.
    private static let window = Duration.milliseconds(1050)

    /// How many requests may be made within the ``window``.
    private(set) var allowed = documentedLimit / 2
    /// When the last of them were made.
    private var sent: [Duration] = []

    /// The time between two requests that are made regularly.
    var spacing: Duration { max(Self.shortestSpacing, Self.window / allowed) }

    /// When the next request may be made.
    var earliest: Duration { sent.count < allowed ? .zero : sent[sent.count - allowed] + Self.window }

    mutating func sends(at now: Duration) {
        sent.append(now)
        if sent.count > allowed { sent.removeFirst(sent.count - allowed) }
    }

    /// Records when the last of them was really sent. On a busy machine this is later than it was asked for, and the next ones
    /// would follow it too soon.
    mutating func wasSent(at time: Duration) {
        guard let last = sent.last, last < time else { return }
        sent[sent.count - 1] = time
    }

    /// Takes in what a response says of the limit, in requests a second; what is not said stays as it was.
    mutating func announced(_ limit: Int?) {
        guard let limit, limit > 0 else { return }
        allowed = max(1, min(limit, 10 * Self.documentedLimit) / 2)
    }
}
