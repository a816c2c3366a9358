import Foundation

@testable import StacksAPI
@testable import StacksController

/// What no server should do, and some do: responses that are empty, behind, doubled or at odds with each other, tokens
/// that die early, jobs that go backwards, minutes in which nothing answers, and another stack that takes jobs meanwhile.
///
/// It stays within what a controller can know: of a job a response is wrong once, and right the next time.
extension RandomWorld {
    /// The server's clock, so many seconds after the beginning.
    static func date(at seconds: Double) -> Date { Date(timeIntervalSince1970: 1_700_000_000 + seconds) }

    mutating func prepareOddities() {
        for _ in 0..<Int(pick(0..<20)) { after(0..<600, .anotherStackTakes) }
        if chance(0.2) {
            // Longer than a reservation holds.
            let start = pick(5..<60)
            after(start..<(start + 1), .goesDark(true))
            after((start + 310)..<(start + 400), .goesDark(false))
        }
    }

    mutating func happensOddly(_ what: Happening) {
        switch what {
        case .goesDark(let value): isDark = value
        case .anotherStackTakes:
            let free = order.filter { jobs[$0]?.state == .scheduled }
            guard !free.isEmpty else { return }
            let id = free[Int(pick(0..<Double(free.count)))]
            become(.reserved, id)
            jobs[id]?.holder = Self.anotherStack
            jobs[id]?.reservedUntil = now + .seconds(60)
            nextExpiry = min(nextExpiry, now + .seconds(60))
            if chance(0.8) { after(1..<50, .anotherStackRuns(id)) }
        case .anotherStackRuns(let id):
            guard let job = jobs[id], job.state == .reserved, job.holder == Self.anotherStack else { return }
            become(.running, id)
            jobs[id]?.hasStarted = true
            after(1..<60, .anotherStackEnds(id))
        case .anotherStackEnds(let id):
            guard let job = jobs[id], job.state.isWithAgent, job.holder == Self.anotherStack else { return }
            become(job.state == .canceling ? .canceled : .finished, id)
        case .seemsOver(let id, let isSo):
            guard jobs[id]?.state == .running, !survivors.contains(id) else { return }
            jobs[id]?.shownAs = isSo ? .finished : nil
            if isSo { after(5..<15, .seemsOver(id, false)) }
        default: break
        }
    }

    /// A response about states: now and then without some jobs or all, or with one that is behind, or unknown.
    mutating func states(_ query: StateQuery) -> [JobID: JobState] {
        if chance(oddity * 0.2) { return [:] }
        var states: [JobID: JobState] = [:]
        for id in query.jobs where !chance(oddity * 0.1) { states[id] = jobs[id]?.state }
        // What is behind about a launcher that has ended is what Buildkite refuses a finish for.
        for id in query.watched {
            guard let job = jobs[id], states[id] != nil else { continue }
            let isWrong = !job.wasShownWrong && !job.state.isTerminal && chance(oddity * 0.3)
            jobs[id]?.wasShownWrong = isWrong
            if isWrong { states[id] = chance(0.5) ? job.before : "uploading_artifacts" }
            if let shown = job.shownAs, !job.state.isTerminal { states[id] = shown }
        }
        return states
    }

    /// A reservation that leaves a job out, names one twice, or says both of it.
    mutating func oddly(_ reservation: Reservation) -> Reservation {
        var odd = reservation
        for id in reservation.reserved {
            guard chance(oddity * 0.2) else { continue }
            switch Int(pick(0..<3)) {
            case 0: odd.reserved.removeAll { $0 == id }
            case 1: odd.reserved.append(id)
            default: odd.notReserved.append(id)
            }
        }
        return odd
    }

    /// A token, which may die before anybody can use it, and say so or not.
    mutating func issue(_ id: JobID) -> JobAcquisitionToken {
        let isShort = chance(oddity * 0.3)
        let life = isShort ? pick(0..<10) : 900
        jobs[id]?.tokenDiesAt = now + .seconds(1) * life
        var token = JobAcquisitionToken(job: id, token: Secret("t"))
        let told = [now / .seconds(1) + life, now / .seconds(1) - 1000, 1e12][isShort ? Int(pick(0..<3)) : 0]
        token.expiresAt = Self.date(at: told)
        return token
    }
}
