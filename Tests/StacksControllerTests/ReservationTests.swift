import Logging
import Testing

@testable import StacksAPI
@testable import StacksController

@Suite("What is reserved, for how long, and for whom")
struct ReservationTests {
    private let job = ScheduledJob.number(1)

    private func launched(_ jobs: [ScheduledJob]? = nil, capacity: Int = 10) -> MachineDriver {
        var driver = MachineDriver.running(capacity: capacity)
        driver.launches(jobs ?? [job])
        return driver
    }

    // MARK: How many

    @Test(
        "jobs whose command fails count as in flight until they are reported: no more than the limit are ever reserved")
    func failingCommand() {
        var driver = MachineDriver.running(capacity: 4)
        let jobs = ScheduledJob.numbers(0..<400)
        var states = Dictionary(uniqueKeysWithValues: jobs.map { ($0.id, JobState.scheduled) })
        var (most, reported, launches) = (0, 0, 0)
        var pending = driver.polls(jobs).all
        // A report takes two seconds, everything else nothing. Every other command works: otherwise the launcher is at fault.
        var reports: [(id: JobID, due: Duration)] = []
        while driver.now < .seconds(60) {
            for report in reports where report.due <= driver.now {
                states[report.id] = .finished
                reported += 1
                pending += driver.happens(.finished(report.id, nil)).all
            }
            reports.removeAll { $0.due <= driver.now }
            while !pending.isEmpty {
                let actions = pending
                pending = []
                for action in actions {
                    switch action {
                    case .request(.poll): pending += driver.polls(jobs.filter { states[$0.id] == .scheduled }).all
                    case .request(.reserve(let ids)):
                        for id in ids { states[id] = .reserved }
                        most = max(most, states.values.count { $0 == .reserved })
                        pending += driver.reserves(ids).all
                    case .request(.issueTokens(let ids)): pending += driver.issues(ids).all
                    case .launch(let job):
                        launches += 1
                        let status = launches % 2
                        if status == 0 { states[job.id] = .finished }
                        pending += driver.happens(.launcherEnded(job.id, .exited(JobExit(status: status)))).all
                    case .request(.queryStates(let query)): pending += driver.says(states, to: query).all
                    case .request(.finish(let id, _, _, _)): reports.append((id, driver.now + .seconds(2)))
                    default: break
                    }
                }
            }
            pending += driver.passes(.milliseconds(100)).all
        }
        #expect(most == 4)
        #expect(reported > 50)
    }

    @Test("a job being given back is not reserved again before that is over, and takes its slot until then")
    func givingBack() {
        var driver = MachineDriver.running(capacity: 1)
        let other = ScheduledJob.number(2)
        _ = driver.polls([job])
        _ = driver.reserves([job.id])
        let given = driver.happens(
            .tokens(asked: [job.id], .success(JobAcquisitionTokens(issued: [], notIssued: [job.id]))))
        #expect(given.givenBack == [[job.id]])
        // The call takes its time, and the list shows the job meanwhile.
        while driver.now < .seconds(60) {
            let wishes = driver.passes(.seconds(1))
            #expect(wishes.reserved.isEmpty)
            if !wishes.polls.isEmpty { #expect(driver.polls([job, other]).reserved.isEmpty) }
        }
        var wishes = driver.happens(.gaveBack([job.id], nil))
        #expect(driver.machine.freeSlots == 0)
        var reserved: [[JobID]] = []
        while reserved.isEmpty, driver.now < .seconds(70) {
            if !wishes.polls.isEmpty { reserved += driver.polls([job, other]).reserved }
            wishes = driver.passes(.milliseconds(100))
            reserved += wishes.reserved
        }
        #expect(driver.now >= .seconds(61))
        #expect(reserved == [[other.id]])
    }

    @Test("a give-back that failed keeps its slot until a later list shows the job, or its reservation has run out")
    func failedGiveBack() {
        for isListed in [true, false] {
            var driver = MachineDriver.running(capacity: 1)
            _ = driver.polls([job])
            _ = driver.reserves([job.id])
            _ = driver.happens(
                .tokens(asked: [job.id], .success(JobAcquisitionTokens(issued: [], notIssued: [job.id]))))
            _ = driver.passes(.seconds(40))
            // This page was asked for before the call was over, so that it says nothing about it.
            _ = driver.happens(.gaveBack([job.id], .lost))
            #expect(driver.polls([job]).reserved.isEmpty)
            var freed: Duration?
            while freed == nil, driver.now < .seconds(400) {
                let wishes = driver.passes(.seconds(1))
                if !wishes.polls.isEmpty { _ = driver.polls(isListed ? [job] : []) }
                if driver.machine.freeSlots == 1 || driver.machine.ledger[job.id]?.stage == .reserving {
                    freed = driver.now
                }
            }
            #expect(isListed ? freed ?? .zero <= .seconds(45) : freed == .seconds(300))
        }
    }

    @Test("a renewal that was out when its job was let go of, and was heard after that, has the job given back again")
    func lateRenewal() throws {
        var driver = MachineDriver.running {
            $0.reservationExpiry = .seconds(20)
            $0.watchInterval = .seconds(5)
        }
        _ = driver.polls([job])
        _ = driver.reserves([job.id])
        _ = driver.happens(.tokens(asked: [job.id], .failure(.lost)))
        var wishes = driver.passes(.seconds(1))
        while wishes.renewed.isEmpty, driver.now < .seconds(25) {
            if !wishes.tokens.isEmpty { _ = driver.happens(.tokens(asked: [job.id], .failure(.lost))) }
            wishes = driver.passes(.seconds(1))
        }
        #expect(wishes.renewed == [[job.id]])
        #expect(driver.happens(.drain).givenBack == [[job.id]])
        #expect(driver.happens(.gaveBack([job.id], nil)).deregisters == 0)
        let late = driver.happens(.renewed(asked: [job.id], .success(Reservation(reserved: [job.id], notReserved: []))))
        #expect(late.givenBack == [[job.id]])
    }

    @Test("a job that a response about reservations leaves out is given back, because it may be reserved")
    func leftOut() {
        var driver = MachineDriver.running(capacity: 2)
        _ = driver.polls([job, .number(2)])
        let asked = [job.id, ScheduledJob.number(2).id]
        let wishes = driver.happens(.reserved(asked: asked, .success(Reservation(reserved: [job.id], notReserved: []))))
        #expect(wishes.givenBack == [[asked[1]]])
        #expect(wishes.tokens == [[job.id]])
        #expect(driver.machine.ledger.occupied == 2)
    }

    // MARK: For how long

    @Test(
        "a job whose reservation may have run out is not finished: a renewal tells first whose it is",
        arguments: [true, false])
    func expired(isOurs: Bool) throws {
        var driver = launched()
        // Nothing answers for longer than the reservation holds.
        for renewed in driver.passes(.seconds(310)).renewed {
            _ = driver.happens(.renewed(asked: renewed, .failure(.lost)))
        }
        _ = driver.says([job.id: .reserved], to: StateQuery(watched: [job.id]))
        let end =
            driver.happens(.launcherEnded(job.id, .exited(JobExit(status: 1)))).all + driver.passes(.seconds(1)).all
        let query = try #require(Wishes(end).queries.first { $0.ended == [job.id] })
        let told = driver.says([job.id: .reserved], to: query).all + driver.passes(.seconds(90)).all
        #expect(Wishes(told).finishes.isEmpty && Wishes(told).givenBack.isEmpty)
        #expect(Wishes(told).renewed.last == [job.id])
        let answer = Reservation(reserved: isOurs ? [job.id] : [], notReserved: isOurs ? [] : [job.id])
        let settled = driver.happens(.renewed(asked: [job.id], .success(answer)))
        #expect(settled.finishes.map(\.id) == (isOurs ? [job.id] : []))
        #expect(settled.givenBack.isEmpty)
        #expect(settled.logged("no longer reserved for this stack", at: .warning) == (isOurs ? 0 : 1))
    }

    @Test("a renewal that is needed while another one is out is requested as soon as that has come back")
    func renewalMeanwhile() {
        let (first, second) = (ScheduledJob.number(1), ScheduledJob.number(2))
        var driver = launched([first])
        var renewed: [[JobID]] = []
        var query: StateQuery?
        while query == nil, driver.now < .seconds(420) {
            if driver.now == .seconds(100) { driver.launches([second]) }
            var wishes = driver.passes(.seconds(1))
            if driver.now == .seconds(411) {
                wishes = Wishes(wishes.all + driver.happens(.launcherEnded(second.id, .failed("x"))).all)
            }
            renewed += wishes.renewed
            for asked in wishes.queries {
                if asked.ended.isEmpty {
                    _ = driver.says(.init(uniqueKeysWithValues: asked.jobs.map { ($0, .reserved) }), to: asked)
                } else {
                    query = asked
                }
            }
        }
        // The response takes its time, and the second job's reservation expires meanwhile.
        #expect(renewed == [[first.id]])
        let ended = driver.says([first.id: .reserved, second.id: .reserved], to: query ?? StateQuery())
        #expect(ended.renewed.isEmpty && driver.machine.ledger.confirming == [second.id])
        _ = driver.happens(.renewed(asked: [first.id], .success(Reservation(reserved: [first.id]))))
        #expect(driver.passes(.milliseconds(100)).renewed.map(Set.init) == [[first.id, second.id]])
    }

    @Test("while jobs wait to be reported their reservations are renewed, and none is reported after its own ran out")
    func waitingReports() throws {
        let jobs = ScheduledJob.numbers(0..<30)
        for isRenewed in [true, false] {
            // One that goes well: the launcher is not at fault.
            let good = ScheduledJob.number(30)
            var driver = launched(jobs + [good], capacity: 31)
            _ = driver.says([good.id: .running], to: StateQuery(watched: [good.id]))
            var queries: [StateQuery] = []
            for job in jobs { queries += driver.happens(.launcherEnded(job.id, .failed("no disk left"))).queries }
            queries += driver.passes(.milliseconds(300)).queries
            var sent: Set<JobID> = []
            // The reports come one by one, as on a machine that hardly gets to it.
            driver.machine.reports.pacing.due = .seconds(1000)
            while let query = queries.popLast() {
                let states = Dictionary(uniqueKeysWithValues: query.jobs.map { ($0, JobState.reserved) })
                let wishes = driver.says(states, to: query)
                queries += wishes.queries + driver.passes(.milliseconds(300)).queries
                sent.formUnion(wishes.finishes.map(\.id))
            }
            #expect(sent.isEmpty && driver.machine.ledger.finishing == 30)
            while driver.now < .seconds(999) {
                for asked in driver.passes(.seconds(1)).renewed {
                    let answer = Reservation(reserved: asked, notReserved: [])
                    _ = driver.happens(.renewed(asked: asked, isRenewed ? .success(answer) : .failure(.lost)))
                }
            }
            let last = driver.passes(.seconds(10))
            #expect(last.finishes.count == (isRenewed ? 30 : 0))
            #expect(last.logged("expired before the job's end could be reported", at: .error) == (isRenewed ? 0 : 30))
        }
    }

    @Test("a job that is no longer this stack's while its report waits is not reported")
    func deniedReport() throws {
        var driver = launched([job], capacity: 1)
        driver.machine.reports.pacing.due = .seconds(250)
        let query = try #require(driver.happens(.launcherEnded(job.id, .failed("x"))).queries.first)
        #expect(driver.says([job.id: .reserved], to: query).finishes.isEmpty)
        let renewal = driver.passes(.seconds(200)).renewed
        #expect(renewal == [[job.id]])
        _ = driver.happens(.renewed(asked: [job.id], .success(Reservation(reserved: [], notReserved: [job.id]))))
        let later = driver.passes(.seconds(100))
        #expect(later.finishes.isEmpty && later.givenBack.isEmpty)
        #expect(driver.machine.reports.unreported == 1)
    }

    @Test("a finish is not tried for longer than the reservation holds")
    func finishInTime() throws {
        var driver = launched()
        _ = driver.passes(.seconds(290))
        _ = driver.says([job.id: .reserved], to: StateQuery(watched: [job.id]))
        let end =
            driver.happens(.launcherEnded(job.id, .exited(JobExit(status: 1)))).all + driver.passes(.seconds(1)).all
        let query = try #require(Wishes(end).queries.first { $0.ended == [job.id] })
        let times = driver.says([job.id: .reserved], to: query).all.compactMap { action -> Duration? in
            if case .request(.finish(_, _, _, let time)) = action { time } else { nil }
        }
        let time = try #require(times.first)
        #expect(time > .zero && driver.now + time <= .seconds(300))
    }

    @Test("a drain says how many jobs could not be reported")
    func unreported() throws {
        var driver = launched()
        _ = driver.polls([])
        let query = try #require(driver.happens(.launcherEnded(job.id, .failed("x"))).queries.first)
        _ = driver.says([job.id: .reserved], to: query)
        _ = driver.happens(.finished(job.id, .lost))
        let end = driver.happens(.drain)
        #expect(end.deregisters == 1)
        #expect(end.logged("The end of 1 jobs", at: .warning) == 1)

        driver = launched()
        _ = driver.polls([])
        _ = driver.happens(.drain)
        var all = driver.happens(.launcherEnded(job.id, .failed("x"))).all
        all += driver.passes(.seconds(40)).all
        #expect(Wishes(all).deregisters == 1)
        #expect(Wishes(all).logged("The end of 1 jobs", at: .warning) == 1)
    }

    // MARK: Not acquired

    @Test(
        "an agent that could not acquire a job that is still reserved has it given back at once; nothing is reported",
        arguments: [27, 28] as [Int])
    func notAcquired(status: Int) throws {
        var driver = launched(capacity: 1)
        let exit = JobExit(status: status, detail: "the agent's own words")
        let query = try #require(driver.happens(.launcherEnded(job.id, .exited(exit))).queries.first)
        let told = driver.says([job.id: .reserved], to: query)
        #expect(told.finishes.isEmpty)
        #expect(told.givenBack == [[job.id]])
        _ = driver.happens(.gaveBack([job.id], nil))
        #expect(driver.passes(.seconds(60)).queries.isEmpty)
        #expect(driver.machine.freeSlots == 1)
        #expect(driver.machine.totals.released == 1)
    }

    @Test(
        "a job that is over counts as finished, whatever its agent's status",
        arguments: [(27, .finished), (28, .finished), (27, .timedOut)] as [(Int, JobState)])
    func reflected(status: Int, state: JobState) throws {
        var driver = launched()
        let end = driver.happens(.launcherEnded(job.id, .exited(JobExit(status: status))))
        let told = driver.says([job.id: state], to: try #require(end.queries.first))
        #expect(driver.machine.totals.finished == 1 && driver.machine.totals.released == 0)
        #expect(told.givenBack.isEmpty && told.logged("another controller") == 0)
        #expect(driver.machine.ledger.isEmpty)
    }

    @Test("a job that Buildkite does not know after its launcher ended is given back after the second such response")
    func unknownAfterEnd() throws {
        var driver = launched()
        var query = try #require(driver.happens(.launcherEnded(job.id, .exited(JobExit(status: 1)))).queries.first)
        #expect(driver.says([:], to: query).givenBack.isEmpty)
        #expect(driver.passes(.milliseconds(900)).queries.isEmpty)
        query = try #require(driver.passes(.milliseconds(200)).queries.first)
        #expect(driver.says([:], to: query).givenBack == [[job.id]])
        _ = driver.happens(.gaveBack([job.id], nil))
        _ = driver.passes(.seconds(2))
        #expect(driver.machine.ledger.isEmpty)
    }
}
