/// What Buildkite has refused, and whether that is to be believed.
///
/// A load balancer in a deploy responds with 403 and 404 for a moment, with a message like the API's own. So a refusal
/// counts when it is repeated after a pause; and when a single endpoint responds with 404, the next poll tells whether the
/// stack is unknown or the endpoint is missing.
struct Refusals {
    /// How long after the first refusal another one counts.
    static let pause = Duration.seconds(5)

    /// A refusal without another one for this long is forgotten: no call that fails is put off for longer.
    static let memory = Pacing.longestAskedWait * 2

    /// When a call was refused first and last, without a success in between.
    private var refused: [ControllerCall: (first: Duration, last: Duration)] = [:]
    /// When each call got a 404 for which the next poll has yet to give the reason.
    private var doubted: [ControllerCall: Duration] = [:]
    /// Calls that get a 404 although the stack is known.
    private(set) var missing: Set<ControllerCall> = []

    /// Records a refusal and returns whether it counts.
    mutating func noteRefusal(of call: ControllerCall, at now: Duration) -> Bool {
        guard let known = refused[call], now - known.last <= Self.memory else {
            refused[call] = (now, now)
            return false
        }
        refused[call]?.last = now
        return now - known.first >= Self.pause
    }

    /// Records that a call has succeeded, and returns whether its endpoint was missing.
    mutating func succeeded(_ call: ControllerCall) -> Bool {
        if refused.isEmpty, doubted.isEmpty, missing.isEmpty { return false }
        refused[call] = nil
        doubted[call] = nil
        return missing.remove(call) != nil
    }

    /// Records that a call got a 404, and returns whether a poll is needed to know why.
    mutating func doubt(_ call: ControllerCall, at now: Duration) -> Bool {
        if missing.contains(call) { return false }
        doubted[call] = now
        return true
    }

    /// The stack is not known: that explains everything.
    mutating func noteStackUnknown() { doubted = [:] }

    /// The stack is known, by a poll that was sent at a time: the calls that were in doubt before are missing.
    mutating func noteStackKnown(at sent: Duration) -> [ControllerCall] {
        if doubted.isEmpty { return [] }
        let found = doubted.filter { $0.value <= sent }.keys.sorted { $0.rawValue < $1.rawValue }
        for call in found { doubted[call] = nil }
        missing.formUnion(found)
        return found
    }
}
