import StacksTesting
import StacksTransport
import Testing

@testable import StacksAPI

@Suite struct ScopePacerTests {
    private let start = Moment.now
    private func at(_ milliseconds: Int) -> Moment { start + .milliseconds(milliseconds) }
    private func ticket(_ number: UInt64, _ lane: RateLane = .normal) -> ScopePacer.Ticket {
        ScopePacer.Ticket(lane: lane, number: number)
    }

    @Test("a full window is sent at once, and the next request a second after the first response")
    func fillsTheWindow() {
        var pacer = ScopePacer(limit: 2)
        #expect(pacer.request(ticket(0), now: at(0)) == .go)
        #expect(pacer.request(ticket(1), now: at(0)) == .go)
        pacer.ended(now: at(10))
        #expect(pacer.request(ticket(2), now: at(20)) == .notBefore(at(1012)))
        #expect(pacer.look(ticket(2), now: at(1011)) == .notBefore(at(1012)))
        #expect(pacer.look(ticket(2), now: at(1012)) == .go)
    }

    @Test("a request that certainly was not sent takes no place")
    func givesPlacesBack() {
        var pacer = ScopePacer(limit: 1)
        #expect(pacer.request(ticket(0), now: at(0)) == .go)
        pacer.wasNotSent(now: at(5))
        #expect(pacer.request(ticket(1), now: at(5)) == .go)
    }

    @Test("waiting requests are sent in order, urgent ones before background ones")
    func keepsOrder() {
        var pacer = ScopePacer(limit: 1)
        #expect(pacer.request(ticket(0), now: at(0)) == .go)
        pacer.ended(now: at(0))
        for (number, lane) in [(1, RateLane.background), (2, .normal), (3, .urgent), (4, .urgent)] {
            #expect(pacer.request(ticket(UInt64(number), lane), now: at(1)) != .go)
        }
        var order: [UInt64] = []
        for round in 1...4 {
            for (number, lane) in [(1, RateLane.background), (2, .normal), (3, .urgent), (4, .urgent)]
            where !order.contains(UInt64(number))
                && pacer.look(ticket(UInt64(number), lane), now: at(round * 1002)) == .go
            {
                order.append(UInt64(number))
                pacer.ended(now: at(round * 1002))
            }
        }
        #expect(order == [3, 4, 2, 1])
    }

    @Test("a request that leaves the queue delays no other, with or without a granted place")
    func leaves() {
        var pacer = ScopePacer(limit: 1)
        #expect(pacer.request(ticket(0), now: at(0)) == .go)
        pacer.ended(now: at(0))
        for number in 1...3 { _ = pacer.request(ticket(UInt64(number)), now: at(1)) }
        pacer.leave(ticket(1), now: at(2))
        // The third looks first, so that the second is granted its place before it knows.
        #expect(pacer.look(ticket(3), now: at(1002)) != .go)
        pacer.leave(ticket(2), now: at(1003))
        #expect(pacer.look(ticket(3), now: at(1003)) == .go)
        pacer.ended(now: at(1003))
        #expect(pacer.isIdle)
    }

    @Test("a 429 pauses the whole scope until its wait has passed, and fills the window")
    func pauses() {
        var pacer = ScopePacer(limit: 100)
        #expect(pacer.request(ticket(0), now: at(0)) == .go)
        pacer.ended(now: at(0))
        pacer.refused(RateLimit(limit: 5), wait: .seconds(3), now: at(0))
        #expect(pacer.limit == 5)
        #expect(pacer.request(ticket(1), now: at(1)) == .notBefore(at(3000)))
        #expect(pacer.look(ticket(1), now: at(3000)) == .go)
    }

    @Test("places that another client used are taken")
    func seesOthers() {
        var pacer = ScopePacer(limit: 10)
        #expect(pacer.request(ticket(0), now: at(0)) == .go)
        pacer.ended(now: at(0))
        pacer.learn(RateLimit(limit: 10, remaining: 2), sent: at(0), now: at(0))
        #expect(pacer.request(ticket(1), now: at(1)) == .go)
        #expect(pacer.request(ticket(2), now: at(1)) == .go)
        #expect(pacer.request(ticket(3), now: at(1)) == .notBefore(at(1002)))
    }

    @Test("calls do not wait if the server states no limit or counts no requests")
    func sparesOthers() {
        for rate in [RateLimit(), RateLimit(limit: 1, remaining: 1)] {
            var pacer = ScopePacer(limit: 1)
            #expect(pacer.request(ticket(0), now: at(0)) == .go)
            pacer.ended(now: at(0))
            pacer.learn(RateLimit(limit: 1, remaining: 1), sent: at(0), now: at(0))
            #expect(pacer.isPaced, "the first response may have been counted afterwards")
            #expect(pacer.request(ticket(1), now: at(1)) != .go)
            #expect(pacer.request(ticket(2), now: at(1)) != .go)
            pacer.learn(rate, sent: at(1), now: at(2))
            #expect(!pacer.isPaced)
            #expect(pacer.look(ticket(1), now: at(2)) == .go)
            #expect(pacer.look(ticket(2), now: at(2)) == .go)
            #expect(pacer.request(ticket(3), now: at(2)) == .go)
            pacer.refused(RateLimit(limit: 1), wait: .seconds(1), now: at(3))
            #expect(pacer.isPaced)
        }
    }

    @Test("no second at the server has more requests than the limit, whatever the latencies", arguments: 0..<40)
    func neverOverflows(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let limit = Int.random(in: 1...30, using: &generator)
        var pacer = ScopePacer(limit: limit)
        var arrivals: [Moment] = []
        var underWay: [Int] = []
        var waiting: [(ticket: ScopePacer.Ticket, due: Moment)] = []
        func send(_ now: Int, using generator: inout SeededGenerator) {
            let outward = Int.random(in: 0...200, using: &generator)
            arrivals.append(at(now + outward))
            underWay.append(now + outward + Int.random(in: 0...200, using: &generator))
        }
        for now in 0..<8000 {
            for end in underWay where end == now { pacer.ended(now: at(now)) }
            underWay.removeAll { $0 == now }
            for index in waiting.indices.reversed() where waiting[index].due <= at(now) {
                switch pacer.look(waiting[index].ticket, now: at(now)) {
                case .go:
                    waiting.remove(at: index)
                    send(now, using: &generator)
                case .notBefore(let due): waiting[index].due = due
                }
            }
            guard waiting.count < 20, Int.random(in: 0..<4, using: &generator) == 0 else { continue }
            let ticket = ticket(UInt64(now))
            switch pacer.request(ticket, now: at(now)) {
            case .go: send(now, using: &generator)
            case .notBefore(let due): waiting.append((ticket, due))
            }
        }
        arrivals.sort()
        for (first, last) in zip(arrivals, arrivals.dropFirst(limit)) {
            #expect(first.duration(to: last) >= .seconds(1), "more than \(limit) in a second")
        }
        #expect(arrivals.count > limit * 3, "it did not go on")
    }

    @Test("invalid numbers are replaced by the nearest valid ones", arguments: [Int.min, -1, 0, 1, Int.max])
    func survivesNonsense(_ number: Int) {
        for rate in [
            RateLimit(limit: number), RateLimit(limit: number, remaining: number), RateLimit(remaining: number),
            RateLimit(limit: 10, remaining: number), RateLimit(limit: number, remaining: 0),
        ] {
            var pacer = ScopePacer(limit: number)
            #expect(pacer.request(ticket(0), now: at(0)) == .go)
            pacer.ended(now: at(0))
            pacer.learn(rate, sent: at(0), now: at(0))
            pacer.refused(rate, wait: .seconds(1), now: at(1))
            #expect(pacer.request(ticket(1), now: at(2)) != .go)
            #expect(pacer.look(ticket(1), now: at(1003)) == .go)
            #expect((1...1_000_000).contains(pacer.limit))
        }
    }

    @Test("an unreachable limit counts as none, except for the pause after a 429")
    func sparesTheFast() {
        var pacer = ScopePacer(limit: 10)
        #expect(pacer.request(ticket(0), now: at(0)) == .go)
        pacer.ended(now: at(0))
        pacer.refused(RateLimit(), wait: .seconds(2), now: at(1))
        pacer.learn(RateLimit(limit: 10_000_000, remaining: 5), sent: at(0), now: at(2))
        #expect(pacer.request(ticket(1), now: at(3)) == .notBefore(at(2001)))
        #expect(pacer.look(ticket(1), now: at(2001)) == .go)
        pacer.learn(RateLimit(limit: 10_000_000, remaining: 5), sent: at(2001), now: at(2002))
        #expect(!pacer.isPaced)
    }
}
