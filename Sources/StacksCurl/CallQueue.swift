/// Who may start and who waits, by origin: first come, first served, up to a limit of calls in flight each.
///
/// A pure value. Cancelling a waiting call leaves nothing behind but its place in the order, which is passed over, and
/// swept out before the empty places outnumber the calls.
struct CallQueue<Call> {
    private struct Lane {
        let origin: String
        var limit: Int
        /// Whether a connection carries several calls at a time, once that is known.
        var sharesConnections: Bool?
        var inFlight = 0
        var order: [CallID] = []
        var head = 0
        var waiting = 0

        var hasRoom: Bool { inFlight < limit }
        var isIdle: Bool { inFlight == 0 && waiting == 0 }
    }

    /// How many lanes are remembered before those that are idle are forgotten.
    private static var rememberedLanes: Int { 16 }

    private let initialLimit: (_ origin: String) -> Int
    private var lanes: [Lane] = []
    private var waiting: [CallID: (call: Call, origin: String)] = [:]

    /// A queue that begins with `limit` calls in flight to an origin.
    init(limit: @escaping (_ origin: String) -> Int) {
        initialLimit = limit
    }

    /// How many calls wait.
    var count: Int { waiting.count }

    /// How many places the orders of all lanes take, those given up included.
    var places: Int { lanes.reduce(0) { $0 + $1.order.count } }

    /// How many origins are remembered.
    var laneCount: Int { lanes.count }

    /// Adds a call. Returns true when it may start at once, and then counts as in flight; otherwise it waits.
    mutating func add(_ call: Call, id: CallID, origin: String) -> Bool {
        let lane = lane(for: origin)
        if lanes[lane].hasRoom, lanes[lane].waiting == 0 {
            lanes[lane].inFlight += 1
            return true
        }
        waiting[id] = (call, origin)
        lanes[lane].order.append(id)
        lanes[lane].waiting += 1
        return false
    }

    /// Notes that a call in flight has ended.
    mutating func finish(origin: String) {
        lanes[lane(for: origin)].inFlight -= 1
    }

    /// Notes what an answer has taught: how many calls to `origin` may be in flight, and whether they share connections.
    mutating func learn(limit: Int, sharesConnections: Bool, origin: String) {
        let lane = lane(for: origin)
        lanes[lane].limit = limit
        lanes[lane].sharesConnections = sharesConnections
    }

    /// Whether calls to `origin` share connections, or `nil` when no answer has told yet.
    mutating func sharesConnections(origin: String) -> Bool? { lanes[lane(for: origin)].sharesConnections }

    /// The next call to `origin` that may start, which then counts as in flight.
    mutating func next(origin: String) -> Call? {
        let lane = lane(for: origin)
        while lanes[lane].hasRoom, lanes[lane].head < lanes[lane].order.count {
            let id = lanes[lane].order[lanes[lane].head]
            lanes[lane].head += 1
            guard let (call, _) = waiting.removeValue(forKey: id) else { continue }
            lanes[lane].waiting -= 1
            lanes[lane].inFlight += 1
            sweep(lane)
            return call
        }
        sweep(lane)
        return nil
    }

    /// Takes a waiting call out.
    mutating func remove(_ id: CallID) -> Call? {
        guard let (call, origin) = waiting.removeValue(forKey: id) else { return nil }
        let lane = lane(for: origin)
        lanes[lane].waiting -= 1
        sweep(lane)
        return call
    }

    /// Takes out every waiting call that `isRemoved` says, in no particular order.
    mutating func removeAll(where isRemoved: (Call) -> Bool) -> [Call] {
        let ids = waiting.filter { isRemoved($0.value.call) }.map(\.key)
        return ids.compactMap { remove($0) }
    }

    /// The smallest of what `value` says of the calls that wait, or `nil` when none does.
    func earliest<Value: Comparable>(_ value: (Call) -> Value) -> Value? {
        waiting.values.map { value($0.call) }.min()
    }

    private mutating func lane(for origin: String) -> Int {
        if let index = lanes.firstIndex(where: { $0.origin == origin }) { return index }
        if lanes.count >= Self.rememberedLanes { lanes.removeAll(where: \.isIdle) }
        lanes.append(Lane(origin: origin, limit: initialLimit(origin)))
        return lanes.count - 1
    }

    /// Drops the places that were served or given up once they outnumber those that wait.
    private mutating func sweep(_ lane: Int) {
        guard lanes[lane].order.count > 2 * lanes[lane].waiting + 64 else { return }
        let live = lanes[lane].order[lanes[lane].head...].filter { waiting[$0] != nil }
        lanes[lane].order = live
        lanes[lane].head = 0
    }
}
