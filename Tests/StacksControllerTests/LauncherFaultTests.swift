import Logging
import Testing

@testable import StacksAPI
@testable import StacksController

@Suite("Launchers that misbehave")
struct LauncherFaultTests {
    private let job = ScheduledJob.number(1)

    /// Lets time pass; every question for states is answered with `state`, every poll with nothing.
    private func passes(_ time: Duration, of driver: inout MachineDriver, _ state: JobState?) -> Wishes {
        let end = driver.now + time
        var all: [ControllerAction] = []
        while driver.now < end {
            let wishes = driver.passes(.seconds(1))
            all += wishes.all
            for query in wishes.queries {
                all += driver.says(state.map { [job.id: $0] } ?? [:], to: query).all
            }
            for asked in wishes.renewed {
                all +=
                    driver.happens(.renewed(asked: asked, .success(Reservation(reserved: asked, notReserved: [])))).all
            }
            if !wishes.polls.isEmpty { all += driver.polls([]).all }
        }
        return Wishes(all)
    }

    @Test("a launcher whose agent never takes the job is stopped when its token is dead, and the job given back")
    func hangs() {
        var driver = MachineDriver.running()
        driver.launches([job])
        #expect(passes(.seconds(890), of: &driver, .reserved).stopped.isEmpty)
        let stopped = passes(.seconds(30), of: &driver, .reserved)
        #expect(stopped.stopped == [job.id])
        #expect(driver.happens(.launcherEnded(job.id, .failed("cancelled"))).givenBack == [[job.id]])
        _ = driver.happens(.gaveBack([job.id], nil))
        _ = driver.passes(.seconds(1))
        #expect(driver.machine.ledger.isEmpty)
        #expect(driver.machine.totals.failed == 0)
    }

    @Test("a time-out of its own takes the place of the token's life")
    func startTimeout() {
        var driver = MachineDriver.running { $0.startTimeout = .seconds(60) }
        driver.launches([job])
        #expect(passes(.seconds(70), of: &driver, .reserved).stopped == [job.id])
    }

    @Test("a launcher that runs on although its job is over keeps its slot for the linger time, and is then stopped")
    func lingers() {
        for state in [JobState.finished, .canceled, .timedOut] {
            var driver = MachineDriver.running()
            driver.launches([job])
            _ = passes(.seconds(20), of: &driver, .running)
            #expect(passes(.seconds(290), of: &driver, state).stopped.isEmpty)
            #expect(passes(.seconds(30), of: &driver, state).stopped == [job.id])
            _ = driver.happens(.launcherEnded(job.id, .failed("cancelled")))
            #expect(driver.machine.totals.finished == 1)
            #expect(driver.machine.ledger.isEmpty)
        }
    }

    @Test("a launcher that does not end when it is cancelled is reported, once, counted, and keeps its slot")
    func ignoresCancellation() {
        var driver = MachineDriver.running(capacity: 1)
        driver.launches([job])
        #expect(passes(.seconds(6), of: &driver, .canceled).stopped == [job.id])
        #expect(driver.machine.status(at: driver.now).current.stopping == 1)
        #expect(driver.machine.status(at: driver.now).current.unresponsive == 0)
        let later = passes(.seconds(600), of: &driver, .canceled)
        #expect(later.logged("has not ended") == 1)
        #expect(later.stopped.isEmpty)
        let status = driver.machine.status(at: driver.now)
        #expect(status.current.unresponsive == 1)
        #expect(status.current.inFlight == 1)
        #expect(status.idleReason == .full)
        #expect(status.summary.contains("1 unresponsive"))
        _ = driver.happens(.launcherEnded(job.id, .failed("at last")))
        #expect(driver.machine.status(at: driver.now).current.unresponsive == 0)
        #expect(driver.machine.totals.cancelled == 1)
    }

    @Test("launchers that end as soon as they are started are fed no faster than Buildkite reserves")
    func quick() {
        var driver = MachineDriver.running(capacity: 5)
        let jobs = ScheduledJob.numbers(0..<500)
        var (reservations, launched) = (0, 0)
        var waiting = jobs
        var wishes = driver.polls(jobs)
        while launched < 500, driver.now < .seconds(60) {
            for ids in wishes.reserved {
                reservations += 1
                waiting.removeAll { ids.contains($0.id) }
                wishes = driver.reserves(ids)
                wishes = driver.issues(ids)
                launched += ids.count
                let ends = ids.flatMap { driver.happens(.launcherEnded($0, .exited(.notAcquired))).all }
                wishes = Wishes(wishes.all + ends)
            }
            let queries = wishes.queries
            wishes = driver.passes(.milliseconds(100))
            for query in queries + wishes.queries {
                let states = Dictionary(uniqueKeysWithValues: query.jobs.map { ($0, JobState.canceled) })
                wishes = Wishes(wishes.all + driver.says(states, to: query).all)
            }
            if !wishes.polls.isEmpty { wishes = Wishes(wishes.all + driver.polls(waiting).all) }
        }
        #expect(launched == 500)
        #expect(Double(reservations) <= driver.now / .seconds(1) * 10 + 1)
    }
}
