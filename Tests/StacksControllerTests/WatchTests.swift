import Logging
import Testing

@testable import StacksAPI
@testable import StacksController

@Suite("From the launcher to the job's end")
struct WatchTests {
    private let job = ScheduledJob.number(1)

    private func launched(_ jobs: [ScheduledJob]? = nil, capacity: Int = 10) -> MachineDriver {
        var driver = MachineDriver.running(capacity: capacity)
        driver.launches(jobs ?? [job])
        return driver
    }

    @Test("states are asked for every 5 seconds, in one question about all jobs, and never two at a time")
    func interval() throws {
        var driver = launched(ScheduledJob.numbers(0..<3))
        #expect(driver.passes(.milliseconds(4999)).queries.isEmpty)
        let query = try #require(driver.passes(.milliseconds(1)).queries.first)
        #expect(Set(query.watched) == Set(ScheduledJob.numbers(0..<3).map(\.id)))
        // No answer for a minute: no second question.
        #expect(driver.passes(.seconds(60)).queries.isEmpty)
        _ = driver.says([:], to: query)
        #expect(driver.passes(.seconds(5)).queries.count == 1)
    }

    @Test(
        "a job that ended before an agent took it has its launcher stopped, once, and is not finished",
        arguments: [JobState.canceled, .expired, .skipped, .broken])
    func cancelled(state: JobState) throws {
        var driver = launched()
        let query = try #require(driver.passes(.seconds(5)).queries.first)
        #expect(driver.says([job.id: state], to: query).stopped == [job.id])
        let later = driver.passes(.seconds(60))
        #expect(later.stopped.isEmpty)
        #expect(later.queries.isEmpty)
        #expect(driver.machine.ledger.occupied == 1)
        let end = driver.happens(.launcherEnded(job.id, .failed("CancellationError()")))
        #expect(end.finishes.isEmpty)
        #expect(end.queries.isEmpty)
        #expect(driver.machine.totals.cancelled == 1)
        #expect(driver.machine.ledger.isEmpty)
    }

    @Test(
        "a job that an agent has is left to the agent, cancelled or not",
        arguments: [JobState.assigned, .accepted, .running, .canceling, .timingOut])
    func withAgent(state: JobState) throws {
        var driver = launched()
        let query = try #require(driver.passes(.seconds(5)).queries.first)
        #expect(driver.says([job.id: state], to: query).stopped.isEmpty)
        let next = try #require(driver.passes(.seconds(5)).queries.first)
        #expect(driver.says([job.id: .canceled], to: next).stopped.isEmpty)
        let end = driver.happens(.launcherEnded(job.id, .exited(JobExit(status: 1))))
        #expect(end.finishes.isEmpty)
        #expect(end.queries.isEmpty)
        #expect(driver.machine.totals.finished == 1)
        #expect(driver.machine.ledger.isEmpty)
    }

    @Test("a job is gone when two responses in a row say that it is scheduled again: its reservation has run out")
    func gone() throws {
        var driver = launched()
        let states = [job.id: JobState.scheduled]
        var query = try #require(driver.passes(.seconds(5)).queries.first)
        #expect(driver.says(states, to: query).stopped.isEmpty)
        query = try #require(driver.passes(.seconds(5)).queries.first)
        #expect(driver.says([job.id: .reserved], to: query).stopped.isEmpty)
        query = try #require(driver.passes(.seconds(5)).queries.first)
        #expect(driver.says(states, to: query).stopped.isEmpty)
        query = try #require(driver.passes(.seconds(5)).queries.first)
        #expect(driver.says(states, to: query).stopped == [job.id])
    }

    @Test(
        "a reserved job that another agent has taken is a sign of a second controller with this key, logged once",
        arguments: [JobState.accepted, .running])
    func twin(state: JobState) throws {
        var driver = MachineDriver.running(capacity: 2)
        driver.launches([job, .number(2)])
        let sign = "another controller seems to use the key stack"
        let ids = [job.id, ScheduledJob.number(2).id]
        let logged = try ids.map { id in
            let end = driver.happens(.launcherEnded(id, .exited(.notAcquired))).all + driver.passes(.seconds(1)).all
            let query = try #require(Wishes(end).queries.first)
            return driver.says([id: state], to: query).logged(sign)
        }
        #expect(logged == [1, 0])
        #expect(driver.machine.ledger.isEmpty)
        #expect(driver.machine.totals.released == 2)
    }

    @Test("a job that its agent could not acquire because it was cancelled is no such sign, nor one given up")
    func noTwin() throws {
        for (state, isCancelled) in [(JobState.canceled, true), (.scheduled, false), (.expired, false)] {
            var driver = launched()
            let query = try #require(driver.happens(.launcherEnded(job.id, .exited(.notAcquired))).queries.first)
            #expect(driver.says([job.id: state], to: query).logged("another controller") == 0)
            #expect(driver.machine.totals.cancelled == (isCancelled ? 1 : 0))
            #expect(driver.machine.ledger.isEmpty)
        }
    }

    @Test("a locked job is taken again when it is scheduled again")
    func lockedAgain() {
        var driver = launched()
        let query = driver.happens(.launcherEnded(job.id, .exited(.locked))).queries.first ?? StateQuery()
        _ = driver.says([job.id: .scheduled], to: query)
        _ = driver.passes(.seconds(2))
        _ = driver.polls([])
        _ = driver.passes(.seconds(9))
        #expect(driver.polls([job]).reserved == [[job.id]])
    }

    @Test("a job whose command ends with 28 again and again is a warning, at the fifth time and then seldom")
    func lockedForLong() {
        let fate = LaunchBed.Fate.ends(.exited(.locked), after: .milliseconds(100))
        var bed = LaunchBed([job], fate: { _ in fate })
        bed.run(for: .seconds(3600)) { $0.launches.count == 5 }
        #expect(bed.logged("ended with 28", at: .warning) == 0)
        bed.run(for: .seconds(3600)) { $0.launches.count == 25 }
        #expect(bed.notices.contains { $0.text.contains("something that was started for it before is in its way") })
        let words = "it is locked, or something that was started for it before is in its way. Its output"
        #expect(bed.logged("ended with 28 5 times: \(words)", at: .warning) == 1)
        #expect(bed.logged("ended with 28 20 times: \(words)", at: .warning) == 1)
        #expect(bed.logged("ended with 28", at: .warning) == 2)
    }

    @Test("a launcher that failed before the job started has its message reported, once, and frees its slot then")
    func launcherFailed() throws {
        var driver = launched(capacity: 1)
        let end = driver.happens(.launcherEnded(job.id, .failed("no disk left")))
        #expect(end.finishes.isEmpty)
        #expect(driver.machine.freeSlots == 0)
        let query = try #require(end.queries.first)
        let finish = try #require(driver.says([job.id: .reserved], to: query).finishes.first)
        #expect(finish.id == job.id)
        #expect(finish.status == -1)
        #expect(finish.detail == "no disk left")
        #expect(driver.machine.freeSlots == 0)
        _ = driver.happens(.finished(job.id, nil))
        #expect(driver.machine.freeSlots == 1)
        #expect(driver.passes(.seconds(3600)).finishes.isEmpty)
    }

    @Test("when all launchers fail at once, all are reported, below the rate that Buildkite allows")
    func massFailure() throws {
        let jobs = ScheduledJob.numbers(0..<300)
        // One that goes well: the launcher is not at fault.
        let good = ScheduledJob.number(300)
        var driver = launched(jobs + [good], capacity: 301)
        _ = driver.says([good.id: .running], to: StateQuery(watched: [good.id]))
        _ = driver.polls([])
        var finished: Set<JobID> = []
        var perSecond: [Int: Int] = [:]
        func note(_ wishes: Wishes, at now: Duration) {
            finished.formUnion(wishes.finishes.map(\.id))
            perSecond[Int(now.components.seconds), default: 0] += wishes.finishes.count
        }
        var queries: [StateQuery] = []
        for job in jobs { queries += driver.happens(.launcherEnded(job.id, .failed("no disk left"))).queries }
        while driver.now < .seconds(20) {
            for query in queries {
                let states = Dictionary(uniqueKeysWithValues: query.jobs.map { ($0, JobState.reserved) })
                note(driver.says(states, to: query), at: driver.now)
            }
            let wishes = driver.passes(.milliseconds(100))
            queries = wishes.queries
            note(wishes, at: driver.now)
        }
        #expect(finished == Set(jobs.map(\.id)))
        #expect(perSecond.values.allSatisfy { $0 <= 75 })
    }

    @Test("a finish whose response was lost is not retried")
    func finishLost() throws {
        var driver = launched()
        let query = try #require(driver.happens(.launcherEnded(job.id, .failed("x"))).queries.first)
        _ = driver.says([job.id: .reserved], to: query)
        #expect(driver.happens(.finished(job.id, .lost)).finishes.isEmpty)
        let later = driver.passes(.seconds(3600))
        #expect(later.finishes.isEmpty)
        #expect(later.queries.isEmpty)
        #expect(driver.machine.totals.failed == 1)
    }

    static let refusals = [
        CallFailure(.transient, message: "404 from a proxy", mayHaveTakenEffect: false), .notFound,
        CallFailure(.rateLimited, retryAfter: .seconds(20), message: "429"),
        CallFailure(.forbidden, message: "403"),
    ]

    @Test("a finish that was certainly not accepted is retried, later and later", arguments: Self.refusals)
    func finishRefused(failure: CallFailure) throws {
        var driver = launched()
        let query = try #require(driver.happens(.launcherEnded(job.id, .failed("x"))).queries.first)
        #expect(driver.says([job.id: .reserved], to: query).finishes.count == 1)
        for _ in 0..<3 {
            #expect(driver.happens(.finished(job.id, failure)).finishes.isEmpty)
            let again = driver.passes(.seconds(30)).finishes
            #expect(again.map(\.id) == [job.id])
            #expect(again.map(\.detail) == ["x"])
        }
        _ = driver.happens(.finished(job.id, nil))
        #expect(driver.machine.ledger.isEmpty)
        #expect(driver.machine.totals.failed == 1)
        #expect(driver.machine.reports.unreported == 0)
    }

    @Test("a job whose finish is refused until its reservation ends is given back", arguments: Self.refusals)
    func finishRefusedForLong(failure: CallFailure) throws {
        var driver = launched()
        let query = try #require(driver.happens(.launcherEnded(job.id, .failed("x"))).queries.first)
        var wishes = driver.says([job.id: .reserved], to: query).all
        var (finishes, givenBack, renewed) = (0, 0, 0)
        while driver.now < .seconds(310), givenBack == 0 {
            let sent = Wishes(wishes)
            (finishes, renewed) = (finishes + sent.finishes.count, renewed + sent.renewed.count)
            givenBack += sent.givenBack.count
            wishes =
                sent.finishes.isEmpty
                ? driver.passes(.seconds(1)).all : driver.happens(.finished(job.id, failure)).all
        }
        #expect((3...16).contains(finishes))
        #expect(givenBack == 1)
        #expect(renewed == 0)
    }

    @Test("a finish that is refused while the controller ends is retried, and then the job is given back")
    func finishRefusedAtTheEnd() throws {
        var driver = launched()
        _ = driver.polls([])
        _ = driver.happens(.drain)
        let query = try #require(driver.happens(.launcherEnded(job.id, .failed("x"))).queries.first)
        var wishes = driver.says([job.id: .reserved], to: query).all
        var (finishes, givenBack) = (0, 0)
        while driver.now < .seconds(120), givenBack == 0 {
            let sent = Wishes(wishes)
            finishes += sent.finishes.count
            givenBack += sent.givenBack.count
            wishes =
                sent.finishes.isEmpty
                ? driver.passes(.seconds(1)).all : driver.happens(.finished(job.id, .notFound)).all
        }
        #expect(finishes > 1)
        #expect(givenBack == 1)
    }

    @Test(
        "a job that never started is finished with -1, or what is configured, and the command's own status in words",
        arguments: [(3, nil), (0, nil), (127, nil), (3, 75)] as [(Int, Int?)])
    func status(status: Int, configured: Int?) throws {
        var driver = MachineDriver.running { if let configured { $0.launchFailureExitStatus = configured } }
        driver.launches([job])
        let query = try #require(driver.happens(.launcherEnded(job.id, .exited(.init(status: status)))).queries.first)
        let finish = try #require(driver.says([job.id: .reserved], to: query).finishes.first)
        #expect(finish.status == configured ?? -1)
        #expect(finish.detail.contains("status \(status)"))
    }

    @Test("what a launcher reports of its exit is shown together with the status")
    func message() throws {
        var driver = launched()
        let exit = JobExit(status: 137, detail: "A signal (9) ended the command")
        let query = try #require(driver.happens(.launcherEnded(job.id, .exited(exit))).queries.first)
        let finish = try #require(driver.says([job.id: .reserved], to: query).finishes.first)
        #expect(finish.detail.contains("A signal (9) ended the command") && finish.detail.contains("137"))
    }

    @Test(
        "a job that started and ended between two looks is not finished by the controller",
        arguments: [JobState.finished, .running, .accepted, .timedOut, .canceled, .scheduled, "teleporting"])
    func quickJob(state: JobState) throws {
        var driver = launched()
        let query = try #require(driver.happens(.launcherEnded(job.id, .exited(.success))).queries.first)
        #expect(driver.says([job.id: state], to: query).finishes.isEmpty)
        #expect(driver.machine.ledger.isEmpty)
    }

    @Test("a response to a request from before the launcher ended decides nothing about it")
    func staleAnswer() throws {
        var driver = launched()
        let before = try #require(driver.passes(.seconds(5)).queries.first)
        #expect(driver.happens(.launcherEnded(job.id, .exited(.success))).queries.isEmpty)
        let wishes = driver.says([job.id: .reserved], to: before)
        #expect(wishes.finishes.isEmpty)
        let after = try #require((wishes.queries + driver.passes(.seconds(1)).queries).first)
        #expect(after.ended == [job.id])
        #expect(driver.says([job.id: .finished], to: after).finishes.isEmpty)
        #expect(driver.machine.totals.finished == 1)
    }

    @Test("launchers that end one after the other do not make a question each")
    func settlesInBatches() {
        let jobs = ScheduledJob.numbers(0..<100)
        var driver = launched(jobs, capacity: 100)
        var asked = 0
        var queries: [StateQuery] = []
        for job in jobs {
            queries += driver.happens(.launcherEnded(job.id, .exited(.success))).queries
            queries += driver.passes(.milliseconds(10)).queries
            while let query = queries.popLast() {
                asked += 1
                let states = Dictionary(uniqueKeysWithValues: query.jobs.map { ($0, JobState.finished) })
                queries += driver.says(states, to: query).queries
            }
        }
        #expect(asked <= 10)
        #expect(driver.machine.totals.finished >= 80)
    }

    @Test("while states cannot be asked for, running jobs are not touched, and it catches up later")
    func outage() throws {
        var driver = launched()
        var queries = driver.passes(.seconds(5)).queries
        while driver.now < .seconds(600) {
            for query in queries {
                let wishes = driver.happens(.states(query, .failure(.lost)))
                #expect(wishes.stopped.isEmpty)
            }
            queries = driver.passes(.seconds(1)).queries
        }
        #expect(driver.machine.ledger.notStarted.count == 1)
        while queries.isEmpty { queries = driver.passes(.seconds(1)).queries }
        _ = driver.says([job.id: .running], to: queries[0])
        #expect(driver.machine.ledger[job.id]?.stage == .started)
    }

    @Test("a reservation is renewed while its agent starts, and not once an agent has the job")
    func renewal() throws {
        var driver = launched()
        var renewals = 0
        var state = JobState.reserved
        while driver.now < .seconds(2000) {
            let wishes = driver.passes(.seconds(1))
            for query in wishes.queries { _ = driver.says([job.id: state], to: query) }
            for asked in wishes.renewed {
                renewals += 1
                #expect(state == .reserved)
                _ = driver.happens(.renewed(asked: asked, .success(Reservation(reserved: asked, notReserved: []))))
            }
            if !wishes.polls.isEmpty { _ = driver.polls([]) }
            if driver.now > .seconds(1000) { state = .running }
        }
        #expect(renewals >= 4 && renewals <= 8)
    }

    @Test("jobs found running take slots until they are over")
    func recovered() throws {
        var driver = MachineDriver(capacity: 1)
        _ = driver.happens(.begin(recovered: [job.id]))
        _ = driver.happens(.launcherEnded(job.id, .notFollowed))
        let first = driver.happens(.registered(.success(MachineDriver.stack())))
        #expect(first.polls.map(\.limit) == [1])
        #expect(driver.polls([.number(2)]).reserved.isEmpty)
        let query = try #require(driver.passes(.seconds(5)).queries.first)
        #expect(driver.says([job.id: .finished], to: query).reserved == [[ScheduledJob.number(2).id]])
        #expect(driver.machine.totals.finished == 1)
    }
}
