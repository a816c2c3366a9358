import Logging
import Testing

@testable import StacksAPI
@testable import StacksController

@Suite("Jobs that are found when the controller starts")
struct WatchRecoveredTests {
    private let job = ScheduledJob.number(1)

    /// A driver whose launcher stays with what runs already, or cannot.
    private func recovering(isFollowed: Bool = false) -> MachineDriver {
        var driver = MachineDriver(capacity: 1)
        #expect(driver.happens(.begin(recovered: [job.id])).followed == [job.id])
        if !isFollowed { _ = driver.happens(.launcherEnded(job.id, .notFollowed)) }
        _ = driver.happens(.registered(.success(MachineDriver.stack())))
        _ = driver.polls([])
        return driver
    }

    /// Answers questions for the job's state, and renewals, until `end`.
    private func watch(_ driver: inout MachineDriver, until end: Duration, _ state: JobState) -> Wishes {
        var all: [ControllerAction] = []
        while driver.now < end {
            var wishes = driver.passes(.seconds(1))
            all += wishes.all
            for query in wishes.queries {
                let told = driver.says([job.id: state], to: query)
                all += told.all
                wishes = Wishes(wishes.all + told.all)
            }
            for asked in wishes.renewed {
                all +=
                    driver.happens(.renewed(asked: asked, .success(Reservation(reserved: asked, notReserved: [])))).all
            }
            if !wishes.polls.isEmpty { all += driver.polls([]).all }
        }
        return Wishes(all)
    }

    @Test("one whose agent has yet to take it has its reservation renewed, and is given back when no agent comes")
    func reserved() {
        var driver = recovering()
        let wishes = watch(&driver, until: .seconds(890), .reserved)
        #expect(wishes.renewed.count >= 3)
        #expect(wishes.givenBack.isEmpty)
        #expect(watch(&driver, until: .seconds(930), .reserved).givenBack == [[job.id]])
        _ = driver.happens(.gaveBack([job.id], nil))
        _ = driver.passes(.seconds(1))
        #expect(driver.machine.ledger.isEmpty)
    }

    @Test("one that an agent has is never reserved again, and frees its slot when it is over")
    func running() {
        var driver = recovering()
        #expect(watch(&driver, until: .seconds(2000), .running).renewed.isEmpty)
        #expect(driver.machine.status(at: driver.now).current.running == 1)
        let wishes = watch(&driver, until: .seconds(2010), .finished)
        #expect(wishes.stopped.isEmpty)
        #expect(driver.machine.ledger.isEmpty)
    }

    @Test("one that was cancelled, or is somebody else's by now, frees its slot, and nothing is stopped")
    func gone() {
        for state in [JobState.canceled, .scheduled] {
            var driver = recovering()
            // A job that may have run for hours is not believed to be scheduled again at once.
            #expect(watch(&driver, until: .seconds(60), state).stopped.isEmpty)
            #expect(driver.machine.ledger.isEmpty)
        }
    }

    @Test("one that cannot be followed does not keep a drained controller; one that is followed does, until it ends")
    func drains() {
        var unattended = recovering()
        #expect(unattended.happens(.drain, .polled(.failure(.lost))).deregisters == 1)
        var followed = recovering(isFollowed: true)
        #expect(followed.happens(.drain, .polled(.failure(.lost))).deregisters == 0)
        let query = followed.happens(.launcherEnded(job.id, .exited(.success))).queries.first
        #expect(query?.ended == [job.id])
        #expect(followed.says([job.id: .finished], to: query ?? StateQuery()).deregisters == 1)
    }

    @Test("one that is followed and was cancelled, or is somebody else's by now, is stopped, once")
    func stopped() {
        for state in [JobState.canceled, .scheduled, .expired] {
            var driver = recovering(isFollowed: true)
            // One that is over may have an agent that cleans up.
            let patience = driver.machine.shared.configuration.lingerTimeout
            if state.isTerminal { #expect(watch(&driver, until: patience, state).stopped.isEmpty) }
            #expect(watch(&driver, until: patience + .seconds(60), state).stopped == [job.id])
            #expect(driver.machine.status(at: driver.now).current.stopping == 1)
            _ = driver.happens(.launcherEnded(job.id, .exited(JobExit(status: 143))))
            #expect(driver.machine.ledger.isEmpty)
        }
    }

    @Test("one that is followed and was cancelled before an agent took it is stopped at once")
    func cancelledInTime() {
        var driver = recovering(isFollowed: true)
        #expect(watch(&driver, until: .seconds(20), .reserved).stopped.isEmpty)
        #expect(watch(&driver, until: .seconds(30), .canceled).stopped == [job.id])
    }

    @Test("one that is followed and whose agent does not come is stopped before it is given back")
    func slow() {
        var driver = recovering(isFollowed: true)
        let wishes = watch(&driver, until: .seconds(930), .reserved)
        #expect(wishes.renewed.count >= 3 && wishes.stopped == [job.id] && wishes.givenBack.isEmpty)
        let end = driver.happens(.launcherEnded(job.id, .exited(JobExit(status: 143))))
        #expect(end.givenBack == [[job.id]])
    }

    @Test("one that is followed frees its slot when it ends, and not before")
    func ends() {
        var driver = recovering(isFollowed: true)
        _ = watch(&driver, until: .seconds(100), .running)
        _ = watch(&driver, until: .seconds(120), .finished)
        #expect(driver.machine.status(at: driver.now).current.running == 1)
        _ = driver.happens(.launcherEnded(job.id, .exited(.success)))
        #expect(driver.machine.ledger.isEmpty)
        #expect(driver.machine.totals.finished == 1)
    }

    @Test("one that ended without an agent is failed when its exit is known, and given back when it is not")
    func withoutAgent() throws {
        var driver = recovering(isFollowed: true)
        let query = try #require(driver.happens(.launcherEnded(job.id, .exited(JobExit(status: 3)))).queries.first)
        // Another stack may have reserved it since the controller before died: a renewal tells.
        let told = driver.says([job.id: .reserved], to: query)
        #expect(told.finishes.isEmpty && told.givenBack.isEmpty && told.renewed == [[job.id]])
        let ours = driver.happens(.renewed(asked: [job.id], .success(Reservation(reserved: [job.id], notReserved: []))))
        #expect(ours.finishes.map(\.status) == [-1] && ours.givenBack.isEmpty)

        driver = recovering(isFollowed: true)
        let question = try #require(driver.happens(.launcherEnded(job.id, .failed("unknown"))).queries.first)
        #expect(driver.says([job.id: .reserved], to: question).renewed == [[job.id]])
        let given = driver.happens(
            .renewed(asked: [job.id], .success(Reservation(reserved: [job.id], notReserved: []))))
        #expect(given.finishes.isEmpty && given.givenBack == [[job.id]])
    }

    @Test("one that ended without an agent and is another stack's by now is neither finished nor given back")
    func anothers() throws {
        for outcome in [LaunchOutcome.exited(JobExit(status: 3)), .exited(.notAcquired), .failed("unknown")] {
            var driver = recovering(isFollowed: true)
            let query = try #require(driver.happens(.launcherEnded(job.id, outcome)).queries.first)
            #expect(driver.says([job.id: .reserved], to: query).renewed == [[job.id]])
            let denied = Reservation(reserved: [], notReserved: [job.id])
            let told = driver.happens(.renewed(asked: [job.id], .success(denied)))
            #expect(told.finishes.isEmpty && told.givenBack.isEmpty)
            #expect(driver.machine.ledger.isEmpty)
        }
    }

    @Test("one that could not acquire its job, or found it locked, frees its slot when its state is known")
    func exits() throws {
        for exit in [JobExit.notAcquired, .locked] {
            var driver = recovering(isFollowed: true)
            let query = try #require(driver.happens(.launcherEnded(job.id, .exited(exit))).queries.first)
            _ = driver.says([job.id: .scheduled], to: query)
            #expect(driver.machine.ledger.isEmpty)
        }
    }

    @Test("absence stops none of them, however often and however it is said; a terminal state does")
    func absence() {
        var driver = recovering(isFollowed: true)
        var all: [ControllerAction] = []
        func says(_ states: [JobID: JobState], until end: Duration) {
            while driver.now < end {
                let wishes = driver.passes(.seconds(1))
                all += wishes.all
                for query in wishes.queries { all += driver.says(states, to: query).all }
            }
        }
        says([:], until: .seconds(600))
        #expect(Wishes(all).stopped.isEmpty)
        #expect(Wishes(all).logged("no longer knows the job", at: .warning) == 1)
        says([job.id: .running], until: .seconds(610))
        says([:], until: .seconds(1200))
        #expect(Wishes(all).stopped.isEmpty)
        #expect(Wishes(all).logged("no longer knows the job", at: .warning) == 2)
        says([job.id: .finished], until: .seconds(1600))
        #expect(Wishes(all).stopped == [job.id])
    }
}
