import Testing

@testable import StacksCurl

@Suite("Calls start in their order, up to a limit for each origin")
struct CallQueueTests {
    private let origin = "https://a.example"

    private func ids(_ count: Int) -> [CallID] { (0..<count).map { _ in CallID.next() } }

    @Test("calls past the limit wait, and start in order of arrival")
    func firstComeFirstServed() {
        let queue = Queue(limit: 2)
        let ids = ids(5)
        let started = ids.enumerated().map { queue.add($0.offset, id: $0.element, origin: origin) }
        #expect(started == [true, true, false, false, false])
        #expect(queue.count == 3)
        queue.finish(origin: origin)
        #expect(queue.next(origin: origin) == 2)
        #expect(queue.next(origin: origin) == nil)
        queue.finish(origin: origin)
        queue.finish(origin: origin)
        #expect(queue.next(origin: origin) == 3)
        #expect(queue.next(origin: origin) == 4)
        #expect(queue.next(origin: origin) == nil)
        #expect(queue.count == 0)
    }

    @Test("a new call does not overtake waiting calls")
    func noOvertaking() {
        let queue = Queue(limit: 1)
        let ids = ids(3)
        #expect(queue.add(0, id: ids[0], origin: origin))
        #expect(!queue.add(1, id: ids[1], origin: origin))
        queue.finish(origin: origin)
        #expect(!queue.add(2, id: ids[2], origin: origin))
        #expect(queue.next(origin: origin) == 1)
    }

    @Test("one origin's calls do not wait for another's")
    func lanesAreApart() {
        let queue = Queue(limit: 1)
        let ids = ids(2)
        #expect(queue.add(0, id: ids[0], origin: origin))
        #expect(queue.add(1, id: ids[1], origin: "https://b.example"))
    }

    @Test("after the limit is lowered, calls wait until enough have ended")
    func loweredLimit() {
        let queue = Queue(limit: 3)
        let ids = ids(4)
        for index in 0..<4 { _ = queue.add(index, id: ids[index], origin: origin) }
        queue.learn(limit: 1, sharesConnections: true, origin: origin)
        queue.finish(origin: origin)
        #expect(queue.next(origin: origin) == nil)
        queue.finish(origin: origin)
        queue.finish(origin: origin)
        #expect(queue.next(origin: origin) == 3)
    }

    @Test("whether an origin's calls share connections is known from a response, not from the limit")
    func sharedConnections() {
        let queue = Queue(limit: 8)
        #expect(queue.sharesConnections(origin: origin) == nil)
        queue.learn(limit: 8, sharesConnections: false, origin: origin)
        #expect(queue.sharesConnections(origin: origin) == false)
        #expect(queue.sharesConnections(origin: "https://b.example") == nil)
    }

    @Test("removing ten thousand waiting calls frees their entries")
    func cancelledWaiters() {
        let queue = Queue(limit: 1)
        let ids = ids(10_001)
        for (index, id) in ids.enumerated() { _ = queue.add(index, id: id, origin: origin) }
        for id in ids.dropFirst().dropLast() { #expect(queue.remove(id) != nil) }
        #expect(queue.count == 1)
        #expect(queue.places < 100)
        queue.finish(origin: origin)
        #expect(queue.next(origin: origin) == 10_000)
        #expect(queue.remove(ids[5]) == nil)
    }

    @Test("lanes of unused origins are removed")
    func idleLanes() {
        let queue = Queue(limit: 1)
        for index in 0..<1000 {
            let origin = "https://\(index).example"
            #expect(queue.add(index, id: CallID.next(), origin: origin))
            queue.finish(origin: origin)
        }
        #expect(queue.laneCount <= 16)
    }
}

/// A queue that expectations can mutate.
private final class Queue {
    private var queue: CallQueue<Int>

    init(limit: Int) { queue = CallQueue { _ in limit } }

    var count: Int { queue.count }
    var places: Int { queue.places }
    var laneCount: Int { queue.laneCount }
    func add(_ call: Int, id: CallID, origin: String) -> Bool { queue.add(call, id: id, origin: origin) }
    func finish(origin: String) { queue.finish(origin: origin) }
    func sharesConnections(origin: String) -> Bool? { queue.sharesConnections(origin: origin) }
    func learn(limit: Int, sharesConnections: Bool, origin: String) {
        queue.learn(limit: limit, sharesConnections: sharesConnections, origin: origin)
    }
    func next(origin: String) -> Int? { queue.next(origin: origin) }
    func remove(_ id: CallID) -> Int? { queue.remove(id) }
}
