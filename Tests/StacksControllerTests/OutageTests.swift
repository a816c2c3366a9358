import Logging
import Testing

@testable import StacksAPI
@testable import StacksController

@Suite("Buildkite out of order")
struct OutageTests {
    private let refused = CallFailure(.rejected, message: "job_uuids is invalid")

    /// Plays a server that fails every call with `failure`, or answers quietly, and counts the calls.
    private func passes(
        _ time: Duration, of driver: inout MachineDriver, failing failure: CallFailure?, state: JobState = .running
    ) -> (calls: Int, wishes: Wishes) {
        let end = driver.now + time
        var all: [ControllerAction] = []
        var calls = 0
        while driver.now < end {
            var pending = driver.passes(.milliseconds(500)).all
            while !pending.isEmpty {
                all += pending
                var next: [ControllerAction] = []
                for action in pending {
                    let event: ControllerEvent? =
                        switch action {
                        case .request(.poll):
                            .polled(failure.map { .failure($0) } ?? .success(MachineDriver.page([])))
                        case .request(.queryStates(let query)):
                            .states(
                                query,
                                failure.map { .failure($0) }
                                    ?? .success(
                                        JobStates(states: .init(uniqueKeysWithValues: query.jobs.map { ($0, state) }))))
                        case .request(.register):
                            .registered(failure.map { .failure($0) } ?? .success(MachineDriver.stack()))
                        default: nil
                        }
                    guard let event else { continue }
                    calls += 1
                    next += driver.happens(event).all
                }
                pending = next
            }
        }
        return (calls, Wishes(all))
    }

    @Test("ten minutes without Buildkite: running jobs are untouched, few calls are made, and all is well soon after")
    func outage() {
        var driver = MachineDriver.running(capacity: 100)
        driver.launches(ScheduledJob.numbers(0..<50))
        _ = passes(.seconds(20), of: &driver, failing: nil)
        let during = passes(.seconds(600), of: &driver, failing: .lost)
        #expect(during.wishes.stopped.isEmpty)
        #expect(during.calls < 60)
        #expect(driver.machine.ledger.launchers == 50)
        #expect(driver.machine.status(at: driver.now).idleReason == .unreachable)
        let after = passes(.seconds(100), of: &driver, failing: nil)
        #expect(after.wishes.logged("Polls succeed again") == 1)
        #expect(driver.machine.status(at: driver.now).idleReason == .nothingScheduled)
        #expect(driver.machine.ledger.launchers == 50)
    }

    @Test("a failed poll is a warning; half a minute without one that succeeds is an error, logged once")
    func levels() {
        var driver = MachineDriver.running()
        _ = driver.polls([])
        let wishes = passes(.seconds(200), of: &driver, failing: .lost).wishes
        #expect(wishes.logged("No poll has succeeded", at: .error) == 1)
        #expect(wishes.logged("The call 'poll' failed", at: .warning) >= 4)
        #expect(driver.machine.status(at: driver.now).lastFailure?.contains("connection reset") == true)
    }

    @Test("controllers that lost Buildkite together do not come back together")
    func herd() {
        var comebacks: Set<Duration> = []
        for seed in UInt64(1)...20 {
            var driver = MachineDriver.running()
            driver.machine.jitter = Jitter(seed: seed)
            _ = driver.happens(.polled(.failure(.lost)))
            comebacks.insert(driver.machine.polling.pacing.due)
        }
        #expect(comebacks.count == 20)
        let span = (comebacks.max() ?? .zero) - (comebacks.min() ?? .zero)
        #expect(span > .milliseconds(500))
    }

    @Test("a clock that jumps an hour ahead or back launches nothing twice and does not spin")
    func clockJumps() {
        var driver = MachineDriver.running()
        let job = ScheduledJob.number(1)
        driver.launches([job])
        driver.jumps(to: .seconds(3600))
        let ahead = passes(.seconds(20), of: &driver, failing: nil).wishes
        #expect(ahead.launched.isEmpty && ahead.stopped.isEmpty)
        driver.jumps(to: .seconds(10))
        #expect(driver.happens(.launcherEnded(job.id, .exited(.success))).launched.isEmpty)
        #expect(driver.machine.totals.finished == 1)
        #expect(driver.machine.status(at: driver.now).sinceLastPoll.map { $0 >= .zero } == true)
    }

    @Test("one job that Buildkite does not take in a reservation does not keep the others from it")
    func poisonedReservation() {
        var driver = MachineDriver.running(capacity: 64)
        let jobs = ScheduledJob.numbers(0..<64)
        let poison = jobs[40].id
        var reserved: Set<JobID> = []
        var wishes = driver.polls(jobs)
        while driver.now < .seconds(60), reserved.count < 63 {
            for ids in wishes.reserved {
                if ids.contains(poison) {
                    wishes = driver.happens(.reserved(asked: ids, .failure(refused)))
                } else {
                    reserved.formUnion(ids)
                    wishes = driver.reserves(ids)
                    for tokens in wishes.tokens { wishes = Wishes(wishes.all + driver.issues(tokens).all) }
                }
            }
            wishes = Wishes(wishes.all + driver.passes(.milliseconds(100)).all)
            if !wishes.polls.isEmpty {
                wishes = Wishes(wishes.all + driver.polls(jobs.filter { !reserved.contains($0.id) }).all)
            }
        }
        #expect(reserved == Set(jobs.map(\.id)).subtracting([poison]))
    }

    @Test("one job for which Buildkite refuses the whole request for tokens does not keep the others from theirs")
    func poisonedTokens() {
        var driver = MachineDriver.running(capacity: 64)
        let jobs = ScheduledJob.numbers(0..<64)
        let poison = jobs[40].id
        _ = driver.polls(jobs)
        var tokens = driver.reserves(jobs.map(\.id)).tokens
        var launched: Set<JobID> = []
        var givenBack: [JobID] = []
        while driver.now < .seconds(60), launched.count + givenBack.count < 64 {
            let asked = tokens
            tokens = []
            for ids in asked {
                let isRefused = ids.contains(poison)
                let wishes =
                    isRefused ? driver.happens(.tokens(asked: ids, .failure(refused))) : driver.issues(ids)
                launched.formUnion(wishes.launched)
                givenBack += wishes.givenBack.flatMap { $0 }
                tokens += wishes.tokens
            }
            let wishes = driver.passes(.milliseconds(100))
            tokens += wishes.tokens
            if !wishes.polls.isEmpty { tokens += driver.polls([]).tokens }
        }
        #expect(launched.count == 63)
        #expect(givenBack == [poison])
    }

    @Test("one job whose state Buildkite does not tell does not keep the states of the others from being known")
    func poisonedStates() {
        var driver = MachineDriver.running(capacity: 64)
        let jobs = ScheduledJob.numbers(0..<64)
        let poison = jobs[40].id
        driver.launches(jobs)
        _ = driver.polls([])
        let running = Dictionary(uniqueKeysWithValues: jobs.map { ($0.id, JobState.running) })
        func answers(_ wishes: Wishes) -> [ControllerAction] {
            var actions = wishes.all
            for query in wishes.queries {
                let isRefused = query.jobs.contains(poison)
                actions +=
                    isRefused
                    ? driver.happens(.states(query, .failure(refused))).all : driver.says(running, to: query).all
            }
            return actions
        }
        while driver.now < .seconds(60) { _ = answers(driver.passes(.milliseconds(100))) }
        #expect(driver.machine.status(at: driver.now).current.running == 63)
        // From then on one request in a while is enough again.
        var later: [ControllerAction] = []
        while driver.now < .seconds(120) { later += answers(driver.passes(.milliseconds(100))) }
        #expect(Wishes(later).queries.count <= 13 && Wishes(later).queries.allSatisfy { $0.watched.count == 63 })
        // When its launcher has ended its slot is free some time later.
        var next = driver.happens(.launcherEnded(poison, .exited(JobExit(status: 1))))
        let end = driver.now + .seconds(400)
        while driver.now < end, driver.machine.ledger.contains(poison) {
            _ = answers(next)
            next = driver.passes(.milliseconds(100))
        }
        #expect(!driver.machine.ledger.contains(poison))
        #expect(driver.machine.totals.failed == 0)
    }

    @Test("while every request for states is refused no job is at fault, and all is well when that is over")
    func refusedStates() {
        var driver = MachineDriver.running(capacity: 64)
        let jobs = ScheduledJob.numbers(0..<64)
        driver.launches(jobs)
        _ = driver.polls([])
        let running = Dictionary(uniqueKeysWithValues: jobs.map { ($0.id, JobState.running) })
        var queries = 0
        while driver.now < .seconds(900) {
            for query in driver.passes(.milliseconds(100)).queries {
                let isRefused = driver.now < .seconds(600)
                queries += isRefused ? 1 : 0
                _ = isRefused ? driver.happens(.states(query, .failure(refused))) : driver.says(running, to: query)
            }
        }
        #expect(queries < 60)
        #expect(driver.machine.status(at: driver.now).current.running == 64)
    }

    @Test("one job whose reservation Buildkite does not renew does not keep the others' from being renewed")
    func poisonedRenewal() {
        var driver = MachineDriver.running(capacity: 64)
        let jobs = ScheduledJob.numbers(0..<64)
        let poison = jobs[40].id
        driver.launches(jobs)
        _ = driver.polls([])
        let reserved = Dictionary(uniqueKeysWithValues: jobs.map { ($0.id, JobState.reserved) })
        var renewed: Set<JobID> = []
        while driver.now < .seconds(290) {
            let wishes = driver.passes(.milliseconds(100))
            for query in wishes.queries { _ = driver.says(reserved, to: query) }
            for asked in wishes.renewed {
                if asked.contains(poison) {
                    _ = driver.happens(.renewed(asked: asked, .failure(refused)))
                } else {
                    renewed.formUnion(asked)
                    _ = driver.happens(.renewed(asked: asked, .success(Reservation(reserved: asked, notReserved: []))))
                }
            }
        }
        #expect(renewed == Set(jobs.map(\.id)).subtracting([poison]))
    }

    @Test("one job that Buildkite does not take back does not keep the others from being given back")
    func poisonedReturn() {
        var driver = MachineDriver.running(capacity: 64)
        let jobs = ScheduledJob.numbers(0..<64)
        let poison = jobs[40].id
        _ = driver.polls(jobs)
        _ = driver.reserves(jobs.map(\.id))
        _ = driver.happens(.tokens(asked: jobs.map(\.id), .failure(.lost)))
        var returned: Set<JobID> = []
        var pending = driver.happens(.drain).givenBack
        while let asked = pending.popLast() {
            if !asked.contains(poison) { returned.formUnion(asked) }
            pending += driver.happens(.gaveBack(asked, asked.contains(poison) ? refused : nil)).givenBack
        }
        #expect(returned == Set(jobs.map(\.id)).subtracting([poison]))
    }

    @Test("the jobs of another queue are not reserved, and those that were listed before neither")
    func otherQueuesJobs() {
        var driver = MachineDriver.running(capacity: 1)
        let (first, second) = (ScheduledJob.numbers(0..<5), ScheduledJob.numbers(10..<15))
        _ = driver.happens(.polled(.success(MachineDriver.page(first, queue: "0190-a"))))
        _ = driver.happens(
            .reserved(asked: [first[0].id], .success(Reservation(reserved: [], notReserved: [first[0].id]))))
        _ = driver.happens(
            .reserved(asked: [first[1].id], .success(Reservation(reserved: [first[1].id], notReserved: []))))
        _ = driver.passes(.seconds(2))
        let change = driver.happens(.polled(.success(MachineDriver.page(second, queue: "0190-b"))))
        #expect(change.registers == 1)
        #expect(driver.machine.backlog.isEmpty)
        let registered = driver.happens(.registered(.success(MachineDriver.stack())))
        #expect(registered.reserved.isEmpty)
        #expect(driver.machine.totals.seen == 5)
    }

    @Test("a list that is suddenly another queue's makes it register again, and another queue is a clear error")
    func otherQueue() {
        var driver = MachineDriver.running()
        _ = driver.happens(.polled(.success(MachineDriver.page([], queue: "0190-a"))))
        _ = driver.passes(.seconds(2))
        #expect(driver.happens(.polled(.success(MachineDriver.page([], queue: "0190-b")))).registers == 1)
        _ = driver.happens(.registered(.success(MachineDriver.stack(queue: "other"))))
        #expect(driver.machine.fatal?.code == .stackTakenOver)
        #expect(driver.machine.fatal?.message.contains("key of its own") == true)
    }

    @Test("backends that do not agree on the stack or its queue do not end the controller", arguments: [true, false])
    func backendsDisagree(isForgotten: Bool) {
        var driver = MachineDriver.running()
        var (polls, registrations) = (0, 0)
        while driver.now < .seconds(1200), driver.machine.fatal == nil {
            polls += 1
            let other: Result<ScheduledJobsPage, CallFailure> =
                isForgotten ? .failure(.notFound) : .success(MachineDriver.page([], queue: "0190-b"))
            let answer = polls % 2 == 0 ? other : .success(MachineDriver.page([], queue: "0190-a"))
            if driver.happens(.polled(answer)).registers == 1 {
                registrations += 1
                _ = driver.happens(.registered(.success(MachineDriver.stack())))
            }
            driver.waitsForPoll()
        }
        #expect(driver.machine.fatal == nil)
        #expect(polls > 100)
        #expect(registrations <= 41)
    }

    @Test("a stack that is forgotten again and again is somebody else's too: a clear error, and no de-registration")
    func tornBetweenTwo() {
        var driver = MachineDriver.running()
        var times = 0
        while driver.machine.fatal == nil, times < 20 {
            times += 1
            let wishes = driver.happens(.polled(.failure(.notFound)))
            if wishes.registers == 1 { _ = driver.happens(.registered(.success(MachineDriver.stack()))) }
            if !driver.passes(.seconds(30)).polls.isEmpty { _ = driver.polls([]) }
            _ = driver.passes(.seconds(2))
        }
        #expect(driver.machine.fatal?.code == .stackTakenOver)
        #expect(times == 5)
        #expect(driver.machine.phase == .ended)
    }

    @Test("after a reservation for a stack that is not known the next poll is made at once, and it is registered again")
    func unknownStack() {
        var driver = MachineDriver.running()
        let job = ScheduledJob.number(1)
        _ = driver.polls([job])
        let wishes = driver.happens(.reserved(asked: [job.id], .failure(.notFound)))
        #expect(wishes.polls.count == 1)
        #expect(wishes.registers == 0)
        #expect(driver.happens(.polled(.failure(.notFound))).registers == 1)
    }
}
