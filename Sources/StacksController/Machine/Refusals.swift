/// What Buildkite has refused, and whether that is to be believed.
///
/// A load balancer in a deploy answers 403 and 404 for a moment, with a message like the API's own. So a refusal counts
/// when it is said again after a pause; and of a single endpoint that answers 404 the next poll tells whether the stack is
/// not known any more, or the endpoint alone is not there.
struct Refusals {
    /// How long after the first refusal another one is believed.
    static let pause = Duration.seconds(5)

    /// A refusal without another one for this long is forgotten: no call that fails is put off for longer.
    static let memory = Pacing.longestAskedWait * 2

    /// When a call was refused first and last, without a success in between.
    private var refused: [ControllerCall: (first: Duration, last: Duration)] = [:]
    /// Calls that were answered with 404, when, and the next poll has yet to say why.
    private var doubted: [ControllerCall: Duration] = [:]
    /// Calls that are answered with 404 although the stack is known.
    private(set) var missing: Set<ControllerCall> = []

    /// Takes down a refusal and returns whether it is believed.
    mutating func isConfirmed(_ call: ControllerCall, at now: Duration) -> Bool {
        guard let known = refused[call], now - known.last <= Self.memory else {
            refused[call] = (now, now)
            return false
        }
        refused[call]?.last = now
        return now - known.first >= Self.pause
    }

    /// Takes down that a call has succeeded, and returns whether it was missing.
    mutating func succeeded(_ call: ControllerCall) -> Bool {
        if refused.isEmpty, doubted.isEmpty, missing.isEmpty { return false }
        refused[call] = nil
        doubted[call] = nil
        return missing.remove(call) != nil
    }

    /// Takes down that a call was answered with 404, and returns whether a poll is needed to know why.
    mutating func doubt(_ call: ControllerCall, at now: Duration) -> Bool {
        if missing.contains(call) { return false }
        doubted[call] = now
        return true
    }

    /// The stack is not known: that explains everything.
    mutating func stackIsUnknown() { doubted = [:] }

    /// The stack is known, by a poll that was sent at a time: the calls that were in doubt before are missing.
    mutating func stackIsKnown(at sent: Duration) -> [ControllerCall] {
        if doubted.isEmpty { return [] }
        let found = doubted.filter { $0.value <= sent }.keys.sorted { $0.rawValue < $1.rawValue }
        for call in found { doubted[call] = nil }
        missing.formUnion(found)
        return found
    }
}
