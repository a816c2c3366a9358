import Logging
import Testing

@testable import StacksAPI
@testable import StacksController

@Suite("How a controller ends")
struct EndingTests {
    private let job = ScheduledJob.number(1)

    @Test("a drain lets running jobs end, asks what became of them, de-registers and ends")
    func drain() throws {
        var driver = MachineDriver.running()
        driver.launches([job])
        let drained = driver.happens(.drain)
        #expect(drained.deregisters == 0)
        #expect(drained.stopped.isEmpty)
        let later = driver.passes(.seconds(600))
        #expect(later.polls.isEmpty)
        #expect(!later.hasEnded)
        let query = try #require(later.queries.first)
        _ = driver.says([job.id: .running], to: query)
        let end = driver.happens(.launcherEnded(job.id, .exited(.success)))
        #expect(end.deregisters == 1)
        let last = driver.happens(.deregistered(nil))
        #expect(last.hasEnded)
        #expect(last.error == nil)
        #expect(driver.machine.wakeAt == nil)
    }

    @Test("with nothing in flight a drain ends at once")
    func idle() {
        var driver = MachineDriver.running()
        _ = driver.polls([])
        #expect(driver.happens(.drain).deregisters == 1)
    }

    @Test("what is reserved and not launched is given back at a drain, whatever response it waits for")
    func givesBack() {
        // Waiting for a token that could not be had.
        var driver = MachineDriver.running()
        let ids = [job.id]
        _ = driver.polls([job])
        _ = driver.reserves(ids)
        _ = driver.happens(.tokens(asked: ids, .failure(.lost)))
        #expect(driver.happens(.drain).givenBack == [ids])
        #expect(driver.happens(.gaveBack(ids, nil)).deregisters == 1)

        // The reservation is in flight.
        driver = MachineDriver.running()
        _ = driver.polls([job])
        #expect(driver.happens(.drain).givenBack.isEmpty)
        #expect(driver.reserves(ids).givenBack == [ids])
        #expect(driver.happens(.gaveBack(ids, nil)).deregisters == 1)

        // The token is in flight.
        driver = MachineDriver.running()
        _ = driver.polls([job])
        _ = driver.reserves(ids)
        #expect(driver.happens(.drain).givenBack.isEmpty)
        let issued = driver.issues(ids)
        #expect(issued.launched.isEmpty)
        #expect(issued.givenBack == [ids])

        // It is not known whether it is reserved.
        driver = MachineDriver.running()
        _ = driver.polls([job])
        _ = driver.happens(.reserved(asked: ids, .failure(.lost)))
        #expect(driver.happens(.drain).givenBack == [ids])
    }

    @Test("what fails after the drain is given back too, and not retried")
    func givesBackLate() {
        let ids = [job.id]
        var driver = MachineDriver.running()
        _ = driver.polls([job])
        _ = driver.happens(.drain)
        #expect(driver.happens(.reserved(asked: ids, .failure(.lost))).givenBack == [ids])

        driver = MachineDriver.running()
        _ = driver.polls([job])
        _ = driver.reserves(ids)
        _ = driver.happens(.drain)
        #expect(driver.happens(.tokens(asked: ids, .failure(.lost))).givenBack == [ids])
        #expect(driver.passes(.seconds(60)).tokens.isEmpty)
    }

    @Test("a response to a poll that comes after the drain starts nothing")
    func latePoll() {
        var driver = MachineDriver.running()
        _ = driver.happens(.drain)
        let late = driver.polls([job])
        #expect(late.reserved.isEmpty)
        #expect(late.deregisters == 1)
    }

    @Test("when Buildkite cannot be asked at the end, it ends after the settle time-out")
    func unreachable() throws {
        var driver = MachineDriver.running()
        driver.launches([job])
        _ = driver.polls([])
        _ = driver.happens(.drain)
        var queries = driver.happens(.launcherEnded(job.id, .exited(.success))).queries
        var ended = false
        while !ended, driver.now < .seconds(300) {
            for query in queries { _ = driver.happens(.states(query, .failure(.lost))) }
            let wishes = driver.passes(.seconds(1))
            queries = wishes.queries
            ended = wishes.deregisters == 1
        }
        #expect(driver.now >= .seconds(30) && driver.now <= .seconds(32))
    }

    @Test("a report that is to be made again after the end is not forgotten: its job is given back at once")
    func lateReport() throws {
        let jobs = ScheduledJob.numbers(1..<3)
        var driver = MachineDriver.running()
        driver.launches(jobs)
        _ = driver.happens(.launcherEnded(jobs[0].id, .failed("x")))
        let query = try #require(driver.passes(.milliseconds(10)).queries.first)
        #expect(driver.says([jobs[0].id: .reserved], to: query).finishes.count == 1)
        _ = driver.polls([])
        _ = driver.happens(.drain)
        // The other one runs, so that no end is near.
        let refused = CallFailure(.rateLimited, retryAfter: .seconds(120), message: "slow down")
        #expect(driver.happens(.finished(jobs[0].id, refused)).logged("is reported again in") == 1)
        _ = driver.passes(.seconds(6))
        _ = driver.says([jobs[1].id: .running], to: StateQuery(watched: [jobs[1].id]))
        let end = driver.happens(.launcherEnded(jobs[1].id, .exited(.success)))
        #expect(end.givenBack == [[jobs[0].id]])
        #expect(end.logged("could not be reported, and the job is given back", at: .error) == 1)
        #expect(end.deregisters == 0)
        #expect(driver.happens(.gaveBack([jobs[0].id], nil)).deregisters == 1)
    }

    @Test("a token that is not accepted ends it with one error, without another call")
    func unauthorized() {
        var driver = MachineDriver()
        _ = driver.happens(.begin(recovered: []))
        let end = driver.happens(.registered(.failure(.unauthorized)))
        #expect(end.error?.code == .unauthorized)
        #expect(end.isQuiet == false)
        #expect(end.deregisters == 0)
        #expect(end.logged("401") == 1)
    }

    @Test("a token that is no longer accepted lets running jobs end, and then ends with one error")
    func revoked() {
        var driver = MachineDriver.running()
        driver.launches([job])
        _ = driver.passes(.seconds(2))
        let failed = driver.happens(.polled(.failure(.unauthorized)))
        #expect(failed.logged("401") == 1)
        #expect(!failed.hasEnded)
        #expect(driver.passes(.seconds(600)).isQuiet)
        let end = driver.happens(.launcherEnded(job.id, .exited(.success)))
        #expect(end.error?.code == .unauthorized)
        #expect(end.deregisters == 0)
    }

    @Test("a stack that is refused ends it; a stack limit that is reached is such a refusal")
    func refused() {
        var driver = MachineDriver()
        _ = driver.happens(.begin(recovered: []))
        let refusal = ControllerEvent.registered(.failure(CallFailure(.forbidden, message: "stack limit reached")))
        // Once can be a load balancer's.
        #expect(!driver.happens(refusal).hasEnded)
        #expect(driver.passes(.seconds(6)).registers == 1)
        let end = driver.happens(refusal)
        #expect(end.error?.code == .refused)
        #expect(end.error?.message.contains("stack limit reached") == true)
    }

    @Test("a registration that fails for now is retried, and a queue that does not exist ends it")
    func registration() {
        var driver = MachineDriver()
        _ = driver.happens(.begin(recovered: []))
        _ = driver.happens(.registered(.failure(.lost)))
        #expect(driver.passes(.seconds(2)).registers == 1)
        #expect(!driver.happens(.registered(.failure(.notFound))).hasEnded)
        #expect(driver.passes(.seconds(6)).registers == 1)
        #expect(driver.happens(.registered(.failure(.notFound))).error?.code == .queueNotFound)
    }

    @Test("a stack that Buildkite has forgotten is registered again")
    func forgotten() {
        var driver = MachineDriver.running()
        #expect(driver.happens(.polled(.failure(.notFound))).registers == 1)
        _ = driver.happens(.registered(.success(MachineDriver.stack())))
        #expect(driver.passes(.seconds(2)).polls.count == 1)
        #expect(driver.polls([job]).reserved == [[job.id]])
    }

    @Test("when registering again does not help, the queue is gone")
    func queueGone() {
        var driver = MachineDriver.running()
        for _ in 0..<2 {
            #expect(driver.happens(.polled(.failure(.notFound))).registers == 1)
            _ = driver.happens(.registered(.success(MachineDriver.stack())))
            _ = driver.passes(.seconds(10))
        }
        _ = driver.happens(.polled(.failure(.notFound)))
        #expect(driver.machine.fatal?.code == .queueNotFound)
    }

    @Test("a stack key that serves another queue is a clear error")
    func takenOver() {
        var driver = MachineDriver()
        _ = driver.happens(.begin(recovered: []))
        _ = driver.happens(.registered(.success(MachineDriver.stack(queue: "other"))))
        #expect(driver.machine.fatal?.code == .stackTakenOver)
        #expect(driver.machine.fatal?.message.contains("other") == true)
        #expect(driver.machine.phase == .ended)
    }

    @Test(
        "a launcher that can start nothing: its jobs are given back, what runs may end, and the reason is logged at once"
    )
    func unusableLauncher() throws {
        let jobs = ScheduledJob.numbers(1..<4)
        var driver = MachineDriver.running()
        driver.launches(jobs)
        _ = driver.passes(.seconds(6))
        _ = driver.says([jobs[0].id: .running], to: StateQuery(watched: jobs.map(\.id)))
        let first = driver.happens(.launcherEnded(jobs[1].id, .impossible("no command")))
        #expect(first.givenBack == [[jobs[1].id]])
        #expect(first.logged("no command") == 1)
        #expect(driver.machine.phase == .draining)
        let second = driver.happens(.launcherEnded(jobs[2].id, .impossible("no command")))
        #expect(second.givenBack == [[jobs[2].id]])
        #expect(second.finishes.isEmpty && !second.hasEnded)
        _ = driver.happens(.gaveBack([jobs[1].id], nil), .gaveBack([jobs[2].id], nil))
        _ = driver.polls([])
        #expect(driver.happens(.launcherEnded(jobs[0].id, .exited(.success))).deregisters == 1)
        let end = driver.happens(.deregistered(nil))
        #expect(end.error?.code == .launcherUnusable)
        #expect(driver.machine.totals.failed == 0 && driver.machine.totals.released == 2)
    }

    @Test("a dry run logs what it would start, once for each job, and reserves nothing")
    func dryRun() {
        var driver = MachineDriver.running { $0.isDryRun = true }
        let first = driver.polls([job, .number(2)])
        #expect(first.logged("Would start") == 2)
        let later = driver.passes(.seconds(2))
        #expect(later.polls.count == 1)
        let second = driver.polls([job, .number(2), .number(3)])
        #expect(second.logged("Would start") == 1)
        #expect(
            (first.all + later.all + second.all).allSatisfy { if case .request(.reserve) = $0 { false } else { true } })
    }

    @Test(
        "it is logged that a stack was registered before; a dry run leaves it registered",
        arguments: [true, false])
    func inherited(isDryRun: Bool) {
        for isNew in [true, false] {
            var driver = MachineDriver { $0.isDryRun = isDryRun }
            _ = driver.happens(.begin(recovered: []))
            let start = driver.happens(.registered(.success(MachineDriver.stack()), isNew: isNew))
            #expect(start.logged("was registered before") == (isNew || isDryRun ? 0 : 1))
            let end = Wishes(driver.polls([]).all + driver.happens(.drain).all)
            #expect(end.deregisters == (isDryRun && !isNew ? 0 : 1))
            #expect(end.hasEnded == (isDryRun && !isNew))
        }
    }

    @Test("the status line says that nothing matches, that it is a dry run, or that it has yet to begin")
    func words() {
        var driver = MachineDriver(capacity: 1)
        _ = driver.happens(.begin(recovered: []))
        #expect(summary(driver).hasSuffix("nothing starts: the controller is starting or ending"))
        driver = .running()
        _ = driver.polls([.number(1, rules: ["os=none"])])
        #expect(summary(driver).hasSuffix("nothing starts: no scheduled job matches the stack's tags"))
        driver = .running { $0.isDryRun = true }
        _ = driver.polls([job])
        #expect(summary(driver).hasSuffix("nothing starts: this is a dry run"))
        driver = .running()
        driver.launches([job])
        #expect(!summary(driver).contains("nothing starts"))
        // No two reasons read alike.
        let reasons = ControllerStatus.IdleReason.allCases
        #expect(Set(reasons.map(\.description)).count == reasons.count)
    }

    private func summary(_ driver: MachineDriver) -> String { driver.machine.status(at: driver.now).summary }

    @Test("the status line says what has been done and why nothing is started")
    func summary() {
        var driver = MachineDriver.running { $0.statusInterval = .seconds(60) }
        _ = driver.polls([])
        let status = driver.machine.status(at: .seconds(3))
        #expect(status.idleReason == .nothingScheduled)
        #expect(status.summary.contains("polled 3.0 s ago"))
        #expect(status.summary.contains("nothing is scheduled"))
    }
}
