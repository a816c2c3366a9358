import Testing

@testable import StacksAPI
@testable import StacksController

@Suite("From the list to the launcher")
struct DispatchTests {
    @Test("the stack is registered before anything else, and polled at once after")
    func registersFirst() {
        var driver = MachineDriver()
        let first = driver.happens(.begin(recovered: []))
        #expect(first.registers == 1)
        #expect(first.polls.isEmpty)
        #expect(driver.happens(.registered(.success(MachineDriver.stack()))).polls.count == 1)
    }

    @Test("200 jobs with slots for them are reserved in one request, get tokens in one, and are launched, with no wait")
    func dispatchesAtOnce() {
        var driver = MachineDriver.running(capacity: 200)
        let jobs = ScheduledJob.numbers(0..<200)
        let ids = jobs.map(\.id)
        let reserved = driver.polls(jobs).reserved
        #expect(reserved == [ids])
        let tokens = driver.reserves(ids).tokens
        #expect(tokens.count == 1)
        #expect(Set(tokens.first ?? []) == Set(ids))
        #expect(Set(driver.issues(ids).launched) == Set(ids))
        #expect(driver.now == .zero)
        #expect(driver.machine.totals.launched == 200)
    }

    @Test("the highest priority is reserved first, then the oldest, and never more than there are slots")
    func priority() {
        var driver = MachineDriver.running(capacity: 3)
        let jobs: [ScheduledJob] = [
            .number(1), .number(2, priority: -1), .number(3, priority: 5), .number(4), .number(5, priority: 5),
        ]
        let reserved = driver.polls(jobs).reserved
        #expect(reserved == [[jobs[2].id, jobs[4].id, jobs[0].id]])
    }

    @Test("a slot that gets free is filled from what the last poll showed, without another poll")
    func backlog() {
        var driver = MachineDriver.running(capacity: 1)
        let jobs = ScheduledJob.numbers(0..<3)
        #expect(driver.polls(jobs).reserved == [[jobs[0].id]])
        _ = driver.happens(
            .reserved(asked: [jobs[0].id], .success(Reservation(reserved: [], notReserved: [jobs[0].id]))))
        // Buildkite allows ten reservations a second.
        #expect(driver.passes(.milliseconds(99)).reserved.isEmpty)
        #expect(driver.passes(.milliseconds(1)).reserved == [[jobs[1].id]])
        #expect(driver.machine.totals.notReserved == 1)
    }

    @Test("while there are slots left, the next page is read at once, and what was read stays when it fails")
    func pages() {
        var driver = MachineDriver.running(capacity: 100)
        let first = driver.polls(ScheduledJob.numbers(0..<10), next: "c1")
        #expect(first.reserved.count == 1)
        #expect(first.polls.map(\.after) == ["c1"])
        _ = driver.happens(.polled(.failure(.lost)))
        _ = driver.reserves(first.reserved[0])
        #expect(driver.machine.ledger.occupied == 10)
        // The list is begun again, later.
        let later = driver.passes(.seconds(2))
        #expect(later.polls.map(\.after) == [nil])
    }

    @Test("jobs that do not match are counted and logged once")
    func unmatched() {
        var driver = MachineDriver.running(tags: ["os": "linux"])
        let jobs: [ScheduledJob] = [
            .number(1, rules: ["os=macos"]), .number(2, rules: ["nonsense"]), .number(3, rules: ["os=linux"]),
        ]
        let first = driver.polls(jobs)
        #expect(first.reserved == [[jobs[2].id]])
        #expect(first.logged("1 job does not match this stack: no tag matches os=macos") == 1)
        #expect(first.logged("not of the form key=value") == 1)
        _ = driver.passes(.seconds(2))
        let second = driver.polls(jobs)
        #expect(second.logged("not match") + second.logged("not of the form") == 0)
        #expect(driver.machine.totals.unmatched == 2)
        #expect(driver.machine.totals.seen == 3)
    }

    @Test("a job that is being dealt with is not taken again, although the list still shows it")
    func staleList() {
        var driver = MachineDriver.running()
        let jobs = ScheduledJob.numbers(0..<1)
        driver.launches(jobs)
        _ = driver.passes(.seconds(2))
        #expect(driver.polls(jobs).reserved.isEmpty)
        _ = driver.happens(.launcherEnded(jobs[0].id, .exited(.notAcquired)))
        _ = driver.passes(.seconds(2))
        #expect(driver.polls(jobs).reserved.isEmpty)
    }

    @Test("while every slot is taken the queue is polled for one job, to be seen as connected")
    func full() {
        var driver = MachineDriver.running(capacity: 2)
        driver.launches(ScheduledJob.numbers(0..<2))
        let later = driver.passes(.seconds(2))
        #expect(later.polls.map(\.limit) == [1])
        #expect(driver.machine.status(at: driver.now).idleReason == .full)
    }

    @Test("a slot that gets free after such a poll is filled without waiting for the interval")
    func freed() {
        var driver = MachineDriver.running(capacity: 1)
        let jobs = ScheduledJob.numbers(0..<2)
        driver.launches([jobs[0]])
        _ = driver.passes(.seconds(2))
        _ = driver.polls([jobs[1]])
        let end = driver.happens(.launcherEnded(jobs[0].id, .exited(.locked)))
        #expect(end.reserved.isEmpty)
        let freed = driver.says([jobs[0].id: .scheduled], to: end.queries.first ?? StateQuery())
        #expect(freed.reserved == [[jobs[1].id]])
    }

    @Test("when a slot becomes free the whole list is read at once, not only its head")
    func readAtOnce() {
        var driver = MachineDriver.running(capacity: 1)
        let jobs = ScheduledJob.numbers(0..<2)
        driver.launches([jobs[0]])
        _ = driver.passes(.seconds(2))
        // The head of the list does not match, and what is behind it is not known.
        _ = driver.polls([.number(7, rules: ["os=none"])], next: "1")
        let end = driver.happens(.launcherEnded(jobs[0].id, .exited(.success)))
        let freed = driver.says([jobs[0].id: .finished], to: end.queries.first ?? StateQuery())
        let polls = freed.polls.isEmpty ? driver.passes(.milliseconds(200)).polls : freed.polls
        #expect(polls.map(\.limit) == [1000])
    }

    @Test("while the queue is paused nothing is started, and it is polled all the same")
    func paused() {
        var driver = MachineDriver.running()
        let jobs = ScheduledJob.numbers(0..<3)
        #expect(driver.polls(jobs, isPaused: true).reserved.isEmpty)
        for _ in 0..<5 {
            let later = driver.passes(.seconds(2))
            #expect(later.polls.map(\.limit) == [1])
            #expect(driver.polls([jobs[0]], isPaused: true).isQuiet)
        }
        #expect(driver.machine.status(at: driver.now).idleReason == .paused)
        _ = driver.passes(.seconds(2))
        #expect(driver.polls([jobs[0]]).reserved == [[jobs[0].id]])
    }

    @Test("a pause that comes between reservation and token gives the job back")
    func pausedLate() {
        var driver = MachineDriver.running()
        let ids = ScheduledJob.numbers(0..<1).map(\.id)
        _ = driver.polls(ScheduledJob.numbers(0..<1))
        _ = driver.reserves(ids)
        _ = driver.passes(.seconds(2))
        _ = driver.polls([], isPaused: true)
        let answer = driver.issues(ids)
        #expect(answer.launched.isEmpty)
        #expect(answer.givenBack == [ids])
    }

    @Test("a job without a token is not launched, and given back")
    func noToken() {
        var driver = MachineDriver.running()
        let ids = ScheduledJob.numbers(0..<2).map(\.id)
        _ = driver.polls(ScheduledJob.numbers(0..<2))
        _ = driver.reserves(ids)
        let answer = driver.happens(
            .tokens(
                asked: ids,
                .success(
                    JobAcquisitionTokens(
                        issued: [JobAcquisitionToken(job: ids[0], token: Secret("t"))], notIssued: [ids[1]]))))
        #expect(answer.launched == [ids[0]])
        #expect(answer.givenBack == [[ids[1]]])
        // It takes its slot until it is scheduled again.
        #expect(driver.machine.ledger.occupied == 2)
        _ = driver.happens(.gaveBack([ids[1]], nil))
        _ = driver.passes(.seconds(1))
        #expect(driver.machine.ledger.occupied == 1)
    }

    @Test("a reservation whose response was lost is retried, and holds its slots meanwhile")
    func uncertain() {
        var driver = MachineDriver.running(capacity: 2)
        let jobs = ScheduledJob.numbers(0..<4)
        let asked = driver.polls(jobs).reserved[0]
        _ = driver.happens(.reserved(asked: asked, .failure(.lost)))
        #expect(driver.machine.ledger.occupied == 2)
        _ = driver.polls([])
        let again = driver.passes(.seconds(2))
        #expect(again.reserved == [asked])
    }

    @Test("jobs are given back of which no response says for long whether they are reserved")
    func uncertainForLong() {
        var driver = MachineDriver.running(capacity: 2)
        var wishes = driver.polls(ScheduledJob.numbers(0..<2)).all
        let asked = Wishes(wishes).reserved[0]
        var givenBack: [[JobID]] = []
        while driver.now < .seconds(90), givenBack.isEmpty {
            let ids = Wishes(wishes).reserved.first
            wishes = ids.map { driver.happens(.reserved(asked: $0, .failure(.lost))).all } ?? []
            givenBack = Wishes(wishes).givenBack
            if ids == nil || Wishes(wishes).reserved.isEmpty, givenBack.isEmpty {
                wishes += driver.passes(.milliseconds(200)).all
            }
        }
        #expect(givenBack.map(Set.init) == [Set(asked)])
        #expect(driver.now >= .seconds(30))
        _ = driver.happens(.gaveBack(asked, nil))
        #expect(driver.passes(.seconds(2)).reserved.isEmpty)
        #expect(driver.machine.ledger.isEmpty)
    }

    @Test("a controller may have as many slots as an integer counts")
    func manySlots() {
        var driver = MachineDriver.running(capacity: .max)
        #expect(driver.polls([.number(1)]).reserved == [[ScheduledJob.number(1).id]])
        #expect(driver.passes(.seconds(20)).polls.allSatisfy { $0.limit == 1000 })
    }

    @Test("a reservation that is not accepted leaves the jobs to the next poll")
    func rejected() {
        var driver = MachineDriver.running(capacity: 2)
        let asked = driver.polls(ScheduledJob.numbers(0..<2)).reserved[0]
        _ = driver.happens(.reserved(asked: asked, .failure(CallFailure(.rejected, message: "no"))))
        #expect(driver.machine.ledger.isEmpty)
    }

    @Test("failures of polls are waited out longer and longer, up to a minute and a half, and a wait asked for is kept")
    func backoff() {
        var driver = MachineDriver.running()
        var waits: [Duration] = []
        for _ in 0..<12 {
            let failed = driver.now
            _ = driver.happens(.polled(.failure(.lost)))
            while driver.passes(.milliseconds(100)).polls.isEmpty {}
            waits.append(driver.now - failed)
        }
        #expect(waits[0] >= .milliseconds(500) && waits[0] <= .milliseconds(1600))
        #expect(waits[4] >= .seconds(8))
        #expect(waits.allSatisfy { $0 <= .seconds(91) })
        let asked = CallFailure(.rateLimited, retryAfter: .seconds(7), message: "slow down")
        _ = driver.happens(.polled(.failure(asked)))
        #expect(driver.machine.status(at: driver.now).idleReason == .rateLimited)
        #expect(driver.passes(.seconds(7) - .milliseconds(1)).polls.isEmpty)
        #expect(driver.passes(.seconds(1)).polls.count == 1)
    }

    @Test("polls come at the interval, give or take a tenth")
    func interval() {
        var driver = MachineDriver.running()
        for _ in 0..<50 {
            _ = driver.polls([])
            #expect(driver.passes(.milliseconds(899)).polls.isEmpty)
            #expect(driver.passes(.milliseconds(202)).polls.count == 1)
        }
    }

    @Test("jobs of the default queue may name any queue: the list is the queue's own")
    func defaultQueue() {
        var driver = MachineDriver(queue: .default)
        _ = driver.happens(.begin(recovered: []))
        _ = driver.happens(.registered(.success(MachineDriver.stack(queue: "linux"))))
        let jobs: [ScheduledJob] = [.number(1, rules: ["queue=linux"]), .number(2, rules: ["queue=other"])]
        #expect(driver.polls(jobs).reserved == [jobs.map(\.id)])
    }
}
