/// Decides which calls may start and which wait: first come, first served, up to a limit of calls in flight per origin.
///
/// A pure value. Removing a waiting call leaves its entry in the order, which ``next(origin:)`` skips. Such entries are
/// swept out before they outnumber the waiting calls.
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

    /// The number of lanes beyond which idle lanes are removed.
    private static var maximumLanes: Int { 16 }

    private let initialLimit: (_ origin: String) -> Int
    private var lanes: [Lane] = []
    private var waiting: [CallID: (call: Call, origin: String)] = [:]

    /// - Parameter limit: The initial limit of calls in flight to an origin.
    init(limit: @escaping (_ origin: String) -> Int) {
        initialLimit = limit
    }

    /// The number of waiting calls.
    var count: Int { waiting.count }

    /// The number of entries in the orders of all lanes, including those of removed calls.
    var places: Int { lanes.reduce(0) { $0 + $1.order.count } }

    /// The number of lanes.
    var laneCount: Int { lanes.count }

    /// Adds a call.
    ///
    /// - Returns: Whether the call may start now. It then counts as in flight; otherwise it waits.
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

    /// Records the end of a call in flight.
    mutating func finish(origin: String) {
        lanes[lane(for: origin)].inFlight -= 1
    }

    /// Records what a response has shown: how many calls to `origin` may be in flight, and whether they share connections.
    mutating func learn(limit: Int, sharesConnections: Bool, origin: String) {
        let lane = lane(for: origin)
        lanes[lane].limit = limit
        lanes[lane].sharesConnections = sharesConnections
    }

    /// Whether calls to `origin` share connections, or `nil` before the first response.
    mutating func sharesConnections(origin: String) -> Bool? { lanes[lane(for: origin)].sharesConnections }

    /// Removes and returns the next call to `origin` that may start. It then counts as in flight.
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

    /// Removes a waiting call.
    mutating func remove(_ id: CallID) -> Call? {
        guard let (call, origin) = waiting.removeValue(forKey: id) else { return nil }
        let lane = lane(for: origin)
        lanes[lane].waiting -= 1
        sweep(lane)
        return call
    }

    /// Removes and returns the waiting calls that satisfy `isRemoved`, in no particular order.
    mutating func removeAll(where isRemoved: (Call) -> Bool) -> [Call] {
        let ids = waiting.filter { isRemoved($0.value.call) }.map(\.key)
        return ids.compactMap { remove($0) }
    }

    /// The smallest `value` of the waiting calls, or `nil` when none waits.
    func earliest<Value: Comparable>(_ value: (Call) -> Value) -> Value? {
        waiting.values.map { value($0.call) }.min()
    }

    private mutating func lane(for origin: String) -> Int {
        if let index = lanes.firstIndex(where: { $0.origin == origin }) { return index }
        if lanes.count >= Self.maximumLanes { lanes.removeAll(where: \.isIdle) }
        lanes.append(Lane(origin: origin, limit: initialLimit(origin)))
        return lanes.count - 1
    }

    /// Removes the entries of started and removed calls once they outnumber the waiting calls.
    private mutating func sweep(_ lane: Int) {
        guard lanes[lane].order.count > 2 * lanes[lane].waiting + 64 else { return }
        let live = lanes[lane].order[lanes[lane].head...].filter { waiting[$0] != nil }
        lanes[lane].order = live
        lanes[lane].head = 0
    }
}
