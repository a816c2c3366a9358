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

    @Test("a failed poll is a warning; half a minute without one is an error, said once")
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
            wishes = driver.passes(.milliseconds(100))
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
