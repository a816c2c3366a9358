@testable import StacksAPI
@testable import StacksController

/// Buildkite's part: what it answers, and what it then holds to be so.
extension RandomWorld {
    struct ServerJob {
        var listed: ScheduledJob
        var state: JobState = .scheduled
        var reservedUntil: Duration = .zero
        var hasStarted = false
        var finishRequests = 0
        /// For which controller of this stack it was reserved last, or for ``anotherStack``.
        var holder = 0
        /// The state before this one, which a response that is behind may show.
        var before: JobState = .scheduled
        var wasShownWrong = false
        /// What every question is answered with instead, for a while: jobs may go backwards.
        var shownAs: JobState?
        /// When its last token dies.
        var tokenDiesAt = Duration.seconds(Int64.max)
    }

    /// The holder of a job that another stack has reserved.
    static let anotherStack = -1

    mutating func serve(_ action: ControllerRequest) -> ControllerEvent {
        if case .register = action {
            isRegistered = true
            return .registered(.success(MachineDriver.stack()))
        }
        guard isRegistered else { return Self.failure(of: action, .notFound) }
        switch action {
        case .poll(let limit, let cursor):
            let scheduled = order.filter { jobs[$0]?.state == .scheduled }
            let begin = cursor.flatMap { Int($0) } ?? 0
            var page = Array(scheduled.dropFirst(begin).prefix(limit))
            let hasNext = begin + page.count < scheduled.count
            let next = begin + page.count
            if chance(oddity * 0.3) { page += page }
            var answer = ScheduledJobsPage(
                jobs: page.compactMap { jobs[$0]?.listed },
                pageInfo: .init(hasNextPage: hasNext, endCursor: hasNext ? "\(next)" : nil),
                clusterQueue: .init(id: nil, isDispatchPaused: isPaused)
            )
            if interferences.contains(.unreadableJobs) {
                answer.unreadableJobs = answer.jobs.enumerated().filter { $0.offset % 3 == 0 }.map {
                    UnreadableJob(position: $0.offset, id: $0.element.id, field: "scheduled_at", reason: "is no date")
                }
                let odd = Set(answer.unreadableJobs.compactMap(\.id))
                answer.jobs.removeAll { odd.contains($0.id) }
            }
            return .polled(.success(answer))
        case .reserve(let ids):
            let answer = oddly(reserve(ids, for: .seconds(300)))
            if interferences.contains(.unreadableReservations) { return .reserved(asked: ids, .failure(.lost)) }
            return .reserved(asked: ids, .success(answer))
        case .renew(let ids): return .renewed(asked: ids, .success(oddly(reserve(ids, for: .seconds(300)))))
        case .giveBack(let ids):
            _ = reserve(ids, for: .seconds(1))
            return .gaveBack(ids, nil)
        case .issueTokens(let ids):
            var answer = JobAcquisitionTokens(issued: [], notIssued: [])
            for id in ids {
                if let job = jobs[id], job.state == .reserved, job.holder != Self.anotherStack, !chance(0.05) {
                    answer.issued.append(issue(id))
                    if chance(oddity * 0.2) { answer.issued.append(answer.issued[answer.issued.count - 1]) }
                } else {
                    answer.notIssued.append(id)
                }
            }
            return .tokens(asked: ids, .success(answer), serverTime: Self.date(at: now / .seconds(1)))
        case .queryStates(let query): return .states(query, .success(JobStates(states: states(query))))
        case .finish(let id, _, _, _):
            jobs[id]?.finishRequests += 1
            if isBroken { failedWhileBroken += 1 }
            if isBroken, failedWhileBroken > mayFail {
                violations.append("\(failedWhileBroken) jobs are failed by a broken launcher, \(mayFail) may be")
            }
            if jobs[id]?.finishRequests ?? 0 > 1 { violations.append("\(id) is finished twice") }
            if unstarted.contains(id) { violations.append("\(id) is finished although nothing could be started") }
            if jobs[id]?.hasStarted == true { violations.append("\(id) is finished although it had started") }
            if jobs[id]?.holder == Self.anotherStack { violations.append("\(id) of another stack is finished") }
            if jobs[id]?.state == .reserved { become(.finished, id) }
            return .finished(id, nil)
        case .register, .deregister: return .deregistered(nil)
        }
    }

    /// Reservations that have run out are jobs that are scheduled again.
    mutating func expire() {
        for (id, job) in jobs where job.state == .reserved && job.reservedUntil <= now { become(.scheduled, id) }
        nextExpiry = jobs.values.filter { $0.state == .reserved }.map(\.reservedUntil).min() ?? .seconds(Int64.max)
    }

    private mutating func reserve(_ ids: [JobID], for time: Duration) -> Reservation {
        nextExpiry = min(nextExpiry, now + time)
        var answer = Reservation(reserved: [], notReserved: [])
        for id in ids {
            if let job = jobs[id],
                job.state == .scheduled || (job.state == .reserved && job.holder != Self.anotherStack)
            {
                become(.reserved, id)
                jobs[id]?.holder = sender
                jobs[id]?.reservedUntil = now + time
                answer.reserved.append(id)
            } else {
                answer.notReserved.append(id)
            }
        }
        return answer
    }

    static let tooMany = CallFailure(.rateLimited, retryAfter: .seconds(1), message: "slow down")
    static let unavailable = CallFailure(.transient, message: "503", mayHaveTakenEffect: false)

    static func failure(of action: ControllerRequest, _ failure: CallFailure) -> ControllerEvent {
        switch action {
        case .register: .registered(.failure(failure))
        case .poll: .polled(.failure(failure))
        case .reserve(let ids): .reserved(asked: ids, .failure(failure))
        case .renew(let ids): .renewed(asked: ids, .failure(failure))
        case .giveBack(let ids): .gaveBack(ids, failure)
        case .issueTokens(let ids): .tokens(asked: ids, .failure(failure))
        case .queryStates(let query): .states(query, .failure(failure))
        case .finish(let id, _, _, _): .finished(id, failure)
        case .deregister: .deregistered(failure)
        }
    }
}
