import Foundation
import Testing

@testable import StacksAPI
@testable import StacksController

@Suite("Tokens that do not come, or do not live")
struct TokenOutageTests {
    private let jobs = ScheduledJob.numbers(0..<5)

    /// A server that issues no token and does all else, until `end`; what is given back is listed again.
    private func suffers(
        _ driver: inout MachineDriver, until end: Duration, from begin: [ControllerAction],
        _ failure: CallFailure = .lost
    ) -> (wishes: Wishes, mostReserved: Int) {
        var (all, pending) = (begin, begin)
        var reserved: Set<JobID> = []
        var most = 0
        while true {
            while !pending.isEmpty {
                let actions = pending
                pending = []
                for action in actions {
                    switch action {
                    case .request(.poll): pending += driver.polls(jobs.filter { !reserved.contains($0.id) }).all
                    case .request(.reserve(let ids)):
                        reserved.formUnion(ids)
                        if driver.now > .seconds(60) { most = max(most, reserved.count) }
                        pending += driver.reserves(ids).all
                    case .request(.giveBack(let ids)):
                        reserved.subtract(ids)
                        pending += driver.happens(.gaveBack(ids, nil)).all
                    case .request(.issueTokens(let ids)):
                        pending += driver.happens(.tokens(asked: ids, .failure(failure))).all
                    default: break
                    }
                }
                all += pending
            }
            guard driver.now < end else { break }
            pending = driver.passes(.milliseconds(100)).all
            all += pending
        }
        return (Wishes(all), most)
    }

    @Test("without a token for half a minute jobs are given back; then one is tried at a time, later and later")
    func outage() {
        var driver = MachineDriver.running()
        let first = suffers(&driver, until: .seconds(40), from: driver.polls(jobs).all)
        #expect(first.wishes.renewed.isEmpty)
        #expect(Set(first.wishes.givenBack.flatMap { $0 }) == Set(jobs.map(\.id)))
        #expect(first.wishes.logged("issued no token for") == 1)
        let hour = suffers(&driver, until: .seconds(3600), from: driver.passes(.milliseconds(100)).all)
        #expect(hour.mostReserved == 1)
        #expect(hour.wishes.reserved.count > 30 && hour.wishes.reserved.count < 150)
        #expect(hour.wishes.reserved.count - hour.wishes.givenBack.count <= 1)
        #expect(hour.wishes.finishes.isEmpty && hour.wishes.renewed.isEmpty)
        #expect(driver.machine.status(at: driver.now).idleReason == .noToken)
    }

    @Test(
        "a failure says nothing of one an hour before, when no job has waited for a token between",
        arguments: [
            CallFailure.lost, CallFailure(.rejected, message: "unprocessable"),
        ])
    func anHourLater(first: CallFailure) {
        var driver = MachineDriver.running()
        _ = driver.polls([jobs[0]])
        _ = driver.reserves([jobs[0].id])
        _ = driver.happens(.tokens(asked: [jobs[0].id], .failure(first)))
        // The job goes another way.
        _ = driver.polls([], isPaused: true)
        #expect(driver.machine.ledger.returning == [jobs[0].id])
        _ = driver.happens(.gaveBack([jobs[0].id], nil))
        while driver.now < .seconds(3600) {
            driver.waitsForPoll()
            _ = driver.polls([])
        }
        #expect(driver.polls([jobs[1]]).reserved == [[jobs[1].id]])
        #expect(driver.reserves([jobs[1].id]).tokens == [[jobs[1].id]])
        // Another job is reserved while the first one's token is being issued.
        _ = driver.passes(.milliseconds(200))
        #expect(driver.polls([jobs[2]]).reserved == [[jobs[2].id]])
        #expect(driver.reserves([jobs[2].id]).givenBack.isEmpty)
        let failed = driver.happens(.tokens(asked: [jobs[1].id], .failure(.lost)))
        #expect(failed.givenBack.isEmpty && failed.logged("issued no token") == 0)
        // From this failure on the rule counts.
        let since = driver.now
        var given: [(id: JobID, after: Duration)] = []
        while given.isEmpty, driver.now < since + .seconds(60) {
            let wishes = driver.passes(.milliseconds(500))
            let failed = wishes.tokens.map { driver.happens(.tokens(asked: $0, .failure(.lost))) }
            for back in [wishes] + failed { given += back.givenBack.joined().map { ($0, driver.now - since) } }
        }
        #expect(Set(given.map(\.id)) == [jobs[1].id, jobs[2].id])
        #expect(given.allSatisfy { $0.after >= .seconds(30) })
    }

    @Test("the first token ends that: every slot is used again")
    func recovers() {
        var driver = MachineDriver.running()
        _ = suffers(&driver, until: .seconds(200), from: driver.polls(jobs).all)
        var reserved: [JobID] = []
        while reserved.isEmpty, driver.now < .seconds(400) {
            let wishes = driver.passes(.milliseconds(100))
            reserved = wishes.reserved.flatMap { $0 }
            if !wishes.polls.isEmpty { reserved += driver.polls(jobs).reserved.flatMap { $0 } }
        }
        #expect(reserved.count == 1)
        #expect(driver.reserves(reserved).tokens == [reserved])
        #expect(driver.issues(reserved).launched == reserved)
        var next: Set<JobID> = []
        while next.isEmpty, driver.now < .seconds(410) {
            let wishes = driver.passes(.milliseconds(100))
            next.formUnion(wishes.reserved.flatMap { $0 })
            if !wishes.polls.isEmpty { next.formUnion(driver.polls(jobs).reserved.flatMap { $0 }) }
        }
        #expect(next.count == 4)
    }

    @Test(
        "a controller that ends when nothing is left waits for tokens while there are jobs, and not without jobs",
        arguments: [CallFailure.lost, .notFound])
    func untilIdle(failure: CallFailure) {
        var driver = MachineDriver.running { $0.mode = .untilIdle }
        let outage = suffers(&driver, until: .seconds(600), from: driver.polls(jobs).all, failure)
        #expect(outage.wishes.reserved.count > 5)
        #expect(driver.machine.phase == .running)
        var isOver = false
        while !isOver, driver.now < .seconds(800) {
            let wishes = driver.passes(.milliseconds(100))
            let denied = wishes.reserved.map { ids in
                driver.happens(.reserved(asked: ids, .success(Reservation(reserved: [], notReserved: ids))))
            }
            if ([wishes] + denied).contains(where: { !$0.polls.isEmpty }) { isOver = driver.polls([]).deregisters == 1 }
        }
        #expect(isOver)
    }

    // MARK: expires_at

    private static let issuedAt = Date(timeIntervalSince1970: 1_700_000_000)

    /// When the launcher is stopped of a job whose token says that it expires after so many seconds, and whose agent
    /// does not come.
    private func stops(expiring seconds: Double, _ configure: (inout StackController.Configuration) -> Void = { _ in })
        -> Duration
    {
        var driver = MachineDriver.running(configure: configure)
        let job = jobs[1]
        _ = driver.polls([job])
        _ = driver.reserves([job.id])
        let token = JobAcquisitionToken(
            job: job.id, token: Secret("t"), expiresAt: Self.issuedAt.addingTimeInterval(seconds))
        let answer = JobAcquisitionTokens(issued: [token], notIssued: [])
        #expect(
            driver.happens(.tokens(asked: [job.id], .success(answer), serverTime: Self.issuedAt)).launched == [job.id])
        while driver.now < .seconds(5000) {
            let wishes = driver.passes(.seconds(1))
            for query in wishes.queries where !driver.says([job.id: .reserved], to: query).stopped.isEmpty {
                return driver.now
            }
            for asked in wishes.renewed {
                _ = driver.happens(.renewed(asked: asked, .success(Reservation(reserved: asked, notReserved: []))))
            }
            if !wishes.polls.isEmpty { _ = driver.polls([]) }
        }
        return driver.now
    }

    @Test("an agent is waited for until its token is dead, whatever life was asked for")
    func bounded() {
        // It is looked at every five seconds, and two looks are believed.
        #expect(stops(expiring: 8) == .seconds(15))
        #expect(stops(expiring: 8) { $0.tokenLifetime = .seconds(3600) } == .seconds(15))
        #expect(stops(expiring: 8) { $0.startTimeout = .seconds(3600) } == .seconds(15))
        #expect(stops(expiring: 1800) == .seconds(1805))
        #expect(stops(expiring: 1800) { $0.startTimeout = .seconds(60) } == .seconds(65))
    }

    @Test("an expiry that has passed or is absurdly far off says that a clock is wrong, and bounds nothing")
    func absurd() {
        for seconds in [-3600, 0, 4_000_000_000, 1e300, -1e300] {
            #expect(stops(expiring: seconds) == .seconds(905))
            #expect(stops(expiring: seconds) { $0.tokenLifetime = .seconds(120) } == .seconds(125))
        }
    }
}
