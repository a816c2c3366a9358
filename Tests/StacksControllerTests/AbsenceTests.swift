import Logging
import Testing

@testable import StacksAPI
@testable import StacksController

@Suite("Responses about states that are empty, unknown, or contradict each other")
struct AbsenceTests {
    private let job = ScheduledJob.number(1)

    /// Answers every question for states with `states`, and renewals as told, until `end`.
    private func watch(
        _ driver: inout MachineDriver, until end: Duration, _ states: [JobID: JobState], renews: Bool = true
    ) -> Wishes {
        var all: [ControllerAction] = []
        while driver.now < end {
            let wishes = driver.passes(.seconds(1))
            all += wishes.all
            for query in wishes.queries { all += driver.says(states, to: query).all }
            for asked in wishes.renewed {
                let answer = Reservation(reserved: renews ? asked : [], notReserved: renews ? [] : asked)
                all += driver.happens(.renewed(asked: asked, .success(answer))).all
            }
            if !wishes.polls.isEmpty { all += driver.polls([]).all }
        }
        return Wishes(all)
    }

    private func launched(_ jobs: [ScheduledJob]) -> MachineDriver {
        var driver = MachineDriver.running()
        driver.launches(jobs)
        return driver
    }

    @Test("a job that was seen with an agent is stopped by no absence; its absence is logged, and its return too")
    func withAgent() {
        var driver = launched([job])
        _ = watch(&driver, until: .seconds(10), [job.id: .running])
        let gone = watch(&driver, until: .seconds(4000), [:], renews: false)
        #expect(gone.stopped.isEmpty)
        #expect(gone.logged("no longer knows the job", at: .warning) == 1)
        #expect(watch(&driver, until: .seconds(4010), [job.id: .running]).logged("again", at: .notice) == 1)
        #expect(driver.machine.status(at: driver.now).current.running == 1)
    }

    @Test("a response that knows none of many jobs, as to the token of another cluster, stops none, and is one warning")
    func otherCluster() {
        let jobs = ScheduledJob.numbers(0..<10)
        var driver = launched(jobs)
        let gone = watch(&driver, until: .seconds(880), [:], renews: false)
        #expect(gone.stopped.isEmpty)
        #expect(gone.logged("no longer knows 10 jobs", at: .warning) == 1)
    }

    @Test(
        "a job that alone is missing is stopped only when its reservation does not hold any more, nor was it with an agent"
    )
    func alone() {
        let jobs = ScheduledJob.numbers(0..<4)
        let others = Dictionary(uniqueKeysWithValues: jobs.dropFirst().map { ($0.id, JobState.running) })
        var driver = launched(jobs)
        #expect(watch(&driver, until: .seconds(600), others).stopped.isEmpty)
        let gone = watch(&driver, until: .seconds(920), others, renews: false)
        #expect(gone.stopped == [jobs[0].id])
        #expect(driver.machine.status(at: driver.now).current.running == 3)
    }

    @Test("a state that is not known here stops nothing, however long: only reserved counts against the start time-out")
    func unknownState() {
        var driver = MachineDriver.running { $0.tokenLifetime = .seconds(6) }
        driver.launches([job])
        #expect(watch(&driver, until: .seconds(2000), [job.id: "uploading_artifacts"]).stopped.isEmpty)
        #expect(driver.machine.ledger.notStarted.count == 1)
        #expect(watch(&driver, until: .seconds(2015), [job.id: .reserved]).stopped == [job.id])
    }

    @Test(
        "a job that goes back from its end has its linger time from its next end on",
        arguments: [
            JobState.running, .reserved, .scheduled, "uploading_artifacts",
        ])
    func backwards(state: JobState) {
        var driver = launched([job])
        _ = watch(&driver, until: .seconds(10), [job.id: .running])
        _ = watch(&driver, until: .seconds(20), [job.id: .finished])
        #expect(watch(&driver, until: .seconds(400), [job.id: state]).stopped.isEmpty)
        #expect(watch(&driver, until: .seconds(690), [job.id: .finished]).stopped.isEmpty)
        #expect(watch(&driver, until: .seconds(720), [job.id: .finished]).stopped == [job.id])
    }

    @Test("a response that took long does not stop a launcher whose agent may have come since it was asked for")
    func late() throws {
        var driver = MachineDriver.running { $0.startTimeout = .seconds(8) }
        driver.launches([job])
        let query = try #require(driver.passes(.seconds(5)).queries.first)
        _ = driver.passes(.seconds(20))
        #expect(driver.says([job.id: .reserved], to: query).stopped.isEmpty)
        for isSecond in [false, true] {
            let next = try #require(driver.passes(.seconds(5)).queries.first)
            #expect(driver.says([job.id: .reserved], to: next).stopped == (isSecond ? [job.id] : []))
        }
    }

    @Test("two empty responses, then an agent, then the end: the linger time is counted from the end")
    func emptyFirst() {
        var driver = launched([job])
        _ = watch(&driver, until: .seconds(11), [:])
        _ = watch(&driver, until: .seconds(320), [job.id: .running])
        #expect(watch(&driver, until: .seconds(610), [job.id: .finished]).stopped.isEmpty)
    }

    @Test("a job that an agent had and that is scheduled again is left to its launcher")
    func scheduledAgain() {
        var driver = launched([job])
        _ = watch(&driver, until: .seconds(10), [job.id: .accepted])
        #expect(watch(&driver, until: .seconds(600), [job.id: .scheduled]).stopped.isEmpty)
    }

    @Test("a launched job that is reserved for another stack is stopped when two responses say so, and not given back")
    func anothers() {
        var driver = launched([job])
        _ = watch(&driver, until: .seconds(250), [job.id: .reserved], renews: false)
        #expect(driver.machine.ledger.notStarted.count == 1)
        #expect(watch(&driver, until: .seconds(320), [job.id: .reserved], renews: false).stopped == [job.id])
        let end = driver.happens(.launcherEnded(job.id, .failed("cancelled")))
        #expect(end.givenBack.isEmpty && end.finishes.isEmpty)
        #expect(driver.machine.ledger.isEmpty)
    }
}
