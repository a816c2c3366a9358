import Logging
import MetricsTestKit
import Testing

@testable import StacksAPI
@testable import StacksController

@Suite("When nothing can be started right now")
struct StartTroubleTests {
    private let jobs = ScheduledJob.numbers(1..<11)
    private let trouble = "too many open files"

    private func ended(_ job: ScheduledJob) -> ControllerEvent { .launcherEnded(job.id, .unavailable(trouble)) }

    /// Plays a Buildkite that lists these jobs, reserves whatever is asked for and issues every token, until a job is
    /// launched or the time is over. The end of a reservation that was given back is not waited for.
    private func launches(
        _ driver: inout MachineDriver, of listed: [ScheduledJob], within time: Duration
    ) -> (launched: [JobID], reserved: Int, story: Wishes) {
        let end = driver.now + time
        var (launched, reserved, story): ([JobID], Int, [ControllerAction]) = ([], 0, [])
        var wishes = Wishes([])
        while driver.now < end, launched.isEmpty {
            var next: [ControllerAction] = []
            if !wishes.polls.isEmpty { next += driver.polls(listed).all }
            for ids in wishes.reserved {
                reserved += ids.count
                next += driver.reserves(ids).all
            }
            for ids in wishes.tokens { next += driver.issues(ids).all }
            for ids in wishes.givenBack { next += driver.happens(.gaveBack(ids, nil)).all }
            for query in wishes.queries { next += driver.says([:], to: query).all }
            if next.isEmpty { next = driver.passes(.milliseconds(100)).all }
            wishes = Wishes(next)
            story += next
            launched += wishes.launched
        }
        return (launched, reserved, Wishes(story))
    }

    @Test("the job is given back and not failed, and what is reserved and not launched with it")
    func givenBack() {
        var driver = MachineDriver.running()
        _ = driver.polls(jobs)
        _ = driver.reserves(jobs.map(\.id))
        _ = driver.happens(
            .tokens(
                asked: jobs.map(\.id),
                .success(JobAcquisitionTokens(issued: [.init(job: jobs[0].id, token: Secret("t"))], notIssued: []))))
        _ = driver.polls(Array(jobs[1...2]))
        let wishes = driver.happens(ended(jobs[0]))
        #expect(wishes.givenBack == [[jobs[0].id]])
        #expect(driver.passes(.seconds(3600)).finishes.isEmpty)
        #expect(driver.machine.totals.failed == 0)
        #expect(driver.machine.ledger.isEmpty)
    }

    @Test("launches that fail together count, and are said, once")
    func together() {
        var driver = MachineDriver.running()
        driver.launches(jobs)
        var wishes: [ControllerAction] = []
        for job in jobs { wishes += driver.happens(ended(job)).all }
        #expect(Wishes(wishes).givenBack.joined().sorted() == jobs.map(\.id).sorted())
        #expect(Wishes(wishes).logged(trouble, at: .warning) == 1)
        #expect(driver.machine.startTrouble?.pacing.failures == 1)
    }

    @Test("one job is tried, later and later, and never more than 90 seconds after the last")
    func later() throws {
        var driver = MachineDriver.running()
        driver.launches(jobs)
        for job in jobs { _ = driver.happens(ended(job)) }
        var waits: [Duration] = []
        for _ in 0..<12 {
            let from = driver.now
            let (launched, reserved, story) = launches(&driver, of: jobs, within: .seconds(120))
            #expect(launched.count == 1 && reserved == 1)
            #expect(story.logged(trouble) == 0)
            waits.append(driver.now - from)
            let id = try #require(launched.first)
            let end = driver.happens(.launcherEnded(id, .unavailable(trouble)))
            #expect(end.givenBack == [[id]] && end.logged(trouble, at: .warning) == 1)
        }
        #expect(waits[0] < .seconds(8))
        // A job that was given back is left alone for some seconds besides.
        #expect(waits.allSatisfy { $0 < .seconds(97) })
        #expect(waits[8...].allSatisfy { $0 >= .seconds(30) })
    }

    @Test(
        "when the one that is tried runs for a second, or ends with an exit status, all slots are filled again",
        arguments: [nil, 0, 1] as [Int32?])
    func resumes(status: Int32?) throws {
        var driver = MachineDriver.running()
        driver.launches(jobs)
        for job in jobs { _ = driver.happens(ended(job)) }
        let tried = try #require(launches(&driver, of: jobs, within: .seconds(60)).launched.first)
        let end = status.map { driver.happens(.launcherEnded(tried, .exited(.init(status: $0)))) }
        let wishes = end?.logged("can be started again") == 1 ? end : driver.passes(.seconds(1))
        #expect(wishes?.logged("can be started again", at: .notice) == 1)
        #expect(driver.machine.startTrouble == nil)
        var launched: Set<JobID> = []
        while launched.count < 9, driver.now < .seconds(120) {
            launched.formUnion(launches(&driver, of: jobs, within: .seconds(30)).launched)
        }
        #expect(launched.count == 9 && !launched.contains(tried))
    }

    @Test("what was on its way when the trouble came is given back when it arrives, and not launched")
    func onTheWay() {
        var driver = MachineDriver.running(capacity: 11)
        driver.launches([jobs[0]])
        _ = driver.passes(.seconds(1))
        _ = driver.polls(jobs)
        let others = jobs.dropFirst().map(\.id)
        _ = driver.happens(ended(jobs[0]))
        let reserved = driver.reserves(others)
        #expect(reserved.tokens.isEmpty)
        #expect(reserved.givenBack.joined().sorted() == others.sorted())

        driver = MachineDriver.running(capacity: 11)
        driver.launches([jobs[0]])
        _ = driver.passes(.seconds(1))
        _ = driver.polls(jobs)
        #expect(driver.reserves(others).tokens == [others])
        _ = driver.happens(ended(jobs[0]))
        let issued = driver.issues(others)
        #expect(issued.launched.isEmpty)
        #expect(issued.givenBack.joined().sorted() == others.sorted())
    }

    @Test("the status says that nothing starts, and why, until it does")
    func status() throws {
        var driver = MachineDriver.running()
        driver.launches(jobs)
        for job in jobs { _ = driver.happens(ended(job)) }
        let status = driver.machine.status(at: driver.now)
        #expect(status.hindrance == .cannotStart)
        #expect(status.startTrouble == trouble)
        #expect(status.summary.contains(trouble))
        _ = try #require(launches(&driver, of: jobs, within: .seconds(60)).launched.first)
        _ = driver.passes(.seconds(1))
        #expect(driver.machine.status(at: driver.now).hindrance != .cannotStart)
        #expect(driver.machine.status(at: driver.now).startTrouble == nil)
    }

    @Test("the metrics say it too")
    func metrics() throws {
        let metrics = TestMetrics()
        var recorder = ControllerMetrics(stack: "stack", factory: metrics)
        var status = ControllerStatus()
        status.hindrance = .cannotStart
        recorder.record(status)
        let gauge = try metrics.expectGauge(
            "stacks_controller_hindered", [("stack", "stack"), ("reason", "cannot_start")])
        #expect(gauge.lastValue == 1)
    }

    @Test("a controller that ends when nothing is left does not end for it")
    func untilIdle() throws {
        var driver = MachineDriver.running { $0.mode = .untilIdle }
        driver.launches(jobs)
        for job in jobs { _ = driver.happens(ended(job)) }
        // Given back a moment ago, they are not looked at; that does not make them disappear.
        let (launched, _, story) = launches(&driver, of: jobs, within: .seconds(60))
        #expect(launched.count == 1)
        #expect(!story.hasEnded && driver.machine.phase == .running)
    }

    @Test("while it drains, a job that cannot be started is given back like any other, and the end not put off")
    func draining() {
        var driver = MachineDriver.running()
        driver.launches(jobs)
        _ = driver.happens(.drain)
        for job in jobs.dropLast() { #expect(driver.happens(ended(job)).givenBack == [[job.id]]) }
        _ = driver.happens(ended(jobs[9]))
        for job in jobs { _ = driver.happens(.gaveBack([job.id], nil)) }
        #expect(driver.machine.phase == .deregistering || driver.passes(.seconds(1)).deregisters == 1)
    }

    @Test("one whose agent has come is done, whatever its launcher says of starting")
    func withAgent() throws {
        var driver = MachineDriver.running()
        driver.launches([jobs[0]])
        let query = try #require(driver.passes(.seconds(6)).queries.first)
        _ = driver.says([jobs[0].id: .running], to: query)
        let end = driver.happens(ended(jobs[0]))
        #expect(end.givenBack.isEmpty && driver.machine.totals.finished == 1)
        #expect(driver.machine.startTrouble == nil)
    }
}
