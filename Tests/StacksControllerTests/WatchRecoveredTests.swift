import Testing

@testable import StacksAPI
@testable import StacksController

@Suite("Jobs that are found when the controller starts")
struct WatchRecoveredTests {
    private let job = ScheduledJob.number(1)

    private func recovering() -> MachineDriver {
        var driver = MachineDriver(capacity: 1)
        _ = driver.happens(.begin(recovered: [job.id]))
        _ = driver.happens(.registered(.success(MachineDriver.stack())))
        _ = driver.polls([])
        return driver
    }

    /// Answers questions for the job's state, and renewals, until `end`.
    private func watch(_ driver: inout MachineDriver, until end: Duration, _ state: JobState) -> Wishes {
        var all: [ControllerAction] = []
        while driver.now < end {
            let wishes = driver.passes(.seconds(1))
            all += wishes.all
            for query in wishes.queries { all += driver.says([job.id: state], to: query).all }
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
            #expect(watch(&driver, until: .seconds(20), state).stopped.isEmpty)
            #expect(driver.machine.ledger.isEmpty)
        }
    }
}
