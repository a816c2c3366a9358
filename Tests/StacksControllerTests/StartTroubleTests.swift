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

    /// A Buildkite around the machine, which lists these jobs, reserves whatever is asked for, and issues every token.
    private struct Buildkite {
        var driver = MachineDriver.running()
        var listed: [ScheduledJob]
        var isPaused = false
        /// What the machine wants and has not been answered.
        private var pending: [ControllerAction] = []

        /// One whose jobs were launched, all of them in vain.
        init(
            _ jobs: [ScheduledJob], trouble: String, configure: (inout StackController.Configuration) -> Void = { _ in }
        ) {
            driver = .running(configure: configure)
            listed = jobs
            driver.launches(jobs)
            for job in jobs { _ = happens(.launcherEnded(job.id, .unavailable(trouble))) }
        }

        mutating func happens(_ event: ControllerEvent) -> Wishes {
            let wishes = driver.happens(event)
            pending += wishes.all
            return wishes
        }

        /// Answers what is asked until a job is launched or the time is over.
        mutating func launches(within time: Duration) -> (launched: [JobID], reserved: Int, story: Wishes) {
            let end = driver.now + time
            var (launched, reserved, story): ([JobID], Int, [ControllerAction]) = ([], 0, [])
            while driver.now < end, launched.isEmpty {
                let asked = Wishes(pending)
                pending = []
                var next: [ControllerAction] = []
                if !asked.polls.isEmpty { next += driver.polls(listed, isPaused: isPaused).all }
                for ids in asked.reserved {
                    reserved += ids.count
                    next += driver.reserves(ids).all
                }
                for ids in asked.renewed {
                    next +=
                        driver.happens(.renewed(asked: ids, .success(Reservation(reserved: ids, notReserved: [])))).all
                }
                for ids in asked.tokens { next += driver.issues(ids).all }
                for ids in asked.givenBack { next += driver.happens(.gaveBack(ids, nil)).all }
                for query in asked.queries {
                    let states = query.jobs.map { ($0, JobState.reserved) }
                    next += driver.says(Dictionary(uniqueKeysWithValues: states), to: query).all
                }
                if next.isEmpty { next = driver.passes(.milliseconds(100)).all }
                pending += next
                story += next
                launched += Wishes(next).launched
            }
            return (launched, reserved, Wishes(story))
        }
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
        _ = driver.happens(.gaveBack(jobs.dropFirst().map(\.id), nil), .gaveBack([jobs[0].id], nil))
        #expect(driver.passes(.seconds(3600)).finishes.isEmpty)
        #expect(driver.machine.totals.failed == 0)
        #expect(driver.machine.ledger.isEmpty)
    }

    @Test("launches that fail together count once, and are logged once")
    func together() {
        var driver = MachineDriver.running()
        driver.launches(jobs)
        var wishes: [ControllerAction] = []
        for job in jobs { wishes += driver.happens(ended(job)).all }
        #expect(Wishes(wishes).givenBack.joined().sorted() == jobs.map(\.id).sorted())
        #expect(Wishes(wishes).logged(trouble, at: .warning) == 1)
        #expect(driver.machine.startTrouble?.failures == 1)
    }

    @Test("one job is tried, later and later, and never more than 90 seconds after the last")
    func later() throws {
        var world = Buildkite(jobs, trouble: trouble)
        var waits: [Duration] = []
        for _ in 0..<12 {
            let from = world.driver.now
            let (launched, reserved, story) = world.launches(within: .seconds(120))
            #expect(launched.count == 1 && reserved == 1)
            #expect(story.logged(trouble) == 0)
            waits.append(world.driver.now - from)
            let id = try #require(launched.first)
            let end = world.happens(.launcherEnded(id, .unavailable(trouble)))
            #expect(end.givenBack == [[id]] && end.logged(trouble, at: .warning) == 1)
        }
        #expect(waits[0] < .seconds(8))
        // A job that was given back is left alone for some seconds besides.
        #expect(waits.allSatisfy { $0 < .seconds(97) })
        #expect(waits[8...].allSatisfy { $0 >= .seconds(30) })
    }

    @Test(
        "when the one that is tried runs for a second, or ends with an exit status, all slots are filled again",
        arguments: [nil, 0, 1] as [Int?])
    func resumes(status: Int?) throws {
        var world = Buildkite(jobs, trouble: trouble)
        let tried = try #require(world.launches(within: .seconds(60)).launched.first)
        if let status { _ = world.happens(.launcherEnded(tried, .exited(.init(status: status)))) }
        var launched: Set<JobID> = []
        while launched.count < 9, world.driver.now < .seconds(120) {
            launched.formUnion(world.launches(within: .seconds(5)).launched)
        }
        #expect(launched.count == 9 && !launched.contains(tried))
        #expect(world.driver.machine.startTrouble == nil)
    }

    @Test("that jobs can be started again is logged once")
    func recovered() throws {
        var world = Buildkite(jobs, trouble: trouble)
        _ = try #require(world.launches(within: .seconds(60)).launched.first)
        #expect(world.driver.machine.startTrouble != nil)
        let wishes = world.driver.passes(.seconds(1))
        #expect(wishes.logged("can be started again", at: .notice) == 1)
        #expect(world.driver.machine.startTrouble == nil)
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

    @Test("the status shows that nothing starts, and why, for as long as it lasts")
    func status() throws {
        var world = Buildkite(jobs, trouble: trouble)
        let status = world.driver.machine.status(at: world.driver.now)
        #expect(status.idleReason == .cannotStart)
        #expect(status.startTrouble == trouble)
        #expect(status.summary.contains(trouble))
        _ = try #require(world.launches(within: .seconds(60)).launched.first)
        _ = world.driver.passes(.seconds(1))
        #expect(world.driver.machine.status(at: world.driver.now).idleReason != .cannotStart)
        #expect(world.driver.machine.status(at: world.driver.now).startTrouble == nil)
    }

    @Test("the metrics say it too")
    func metrics() throws {
        let metrics = TestMetrics()
        var recorder = ControllerMetrics(stack: "stack", factory: metrics)
        var status = ControllerStatus()
        status.idleReason = .cannotStart
        recorder.record(status)
        let gauge = try metrics.expectGauge(
            "stacks_controller_idle", [("stack", "stack"), ("reason", "cannot_start")])
        #expect(gauge.lastValue == 1)
    }

    @Test("a controller that ends when nothing is left does not end for it")
    func untilIdle() {
        var world = Buildkite(jobs, trouble: trouble) { $0.mode = .untilIdle }
        // Given back a moment ago, they are not looked at; that does not make them disappear.
        let (launched, _, story) = world.launches(within: .seconds(60))
        #expect(launched.count == 1)
        #expect(!story.hasEnded && world.driver.machine.phase == .running)
    }

    @Test("it ends when nothing is left to be tried with, or the queue is paused", arguments: [false, true])
    func untilIdleAndGone(isPaused: Bool) {
        var world = Buildkite(jobs, trouble: trouble) { $0.mode = .untilIdle }
        (world.listed, world.isPaused) = ([], isPaused)
        let (launched, _, story) = world.launches(within: .seconds(60))
        #expect(launched.isEmpty)
        #expect(story.deregisters == 1)
    }

    @Test("starts that fail late are tried later and later too, until an agent has come")
    func lateFailures() throws {
        var world = Buildkite([jobs[0]], trouble: trouble)
        var waits: [Duration] = []
        func fails() {
            #expect(world.launches(within: .seconds(3)).launched.isEmpty)
            #expect(world.driver.machine.startTrouble == nil)
            _ = world.happens(.launcherEnded(jobs[0].id, .unavailable(trouble)))
        }
        for _ in 0..<10 {
            let from = world.driver.now
            #expect(world.launches(within: .seconds(120)).launched == [jobs[0].id])
            waits.append(world.driver.now - from)
            fails()
        }
        #expect(waits[0] < .seconds(8))
        #expect(waits[8...].allSatisfy { $0 >= .seconds(30) && $0 < .seconds(97) })

        #expect(world.launches(within: .seconds(120)).launched == [jobs[0].id])
        #expect(world.launches(within: .seconds(3)).launched.isEmpty)
        let query = StateQuery(watched: [jobs[0].id])
        _ = world.happens(.states(query, .success(JobStates(states: [jobs[0].id: .running]))))
        #expect(world.driver.machine.pastTrouble == nil)
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

    @Test("a job that an agent has taken is finished, even if its launcher throws that it could not start")
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
