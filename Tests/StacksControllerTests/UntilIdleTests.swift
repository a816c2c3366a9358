import Logging
import Testing

@testable import StacksAPI
@testable import StacksController

@Suite("How a controller ends that is to end when nothing is left to do")
struct UntilIdleTests {
    private let job = ScheduledJob.number(1)

    @Test("it goes on while something is scheduled, and drains when nothing is")
    func untilIdle() throws {
        var driver = MachineDriver.running { $0.mode = .untilIdle }
        driver.launches([job])
        _ = driver.passes(.seconds(2))
        // Until an agent has it the job may yet be given back.
        let early = driver.polls([.number(2, rules: ["os=none"])])
        #expect(early.logged("No scheduled job matches") == 0)
        _ = driver.passes(.seconds(4))
        _ = driver.says([job.id: .running], to: StateQuery(watched: [job.id]))
        // Now it does not count although the list still shows it; a job that does not match neither.
        let last = driver.polls([job, .number(2, rules: ["os=none"])])
        #expect(last.logged("No scheduled job matches") == 1)
        #expect(last.deregisters == 0)
        #expect(driver.happens(.launcherEnded(job.id, .exited(.success))).deregisters == 1)
    }

    @Test("with every slot taken by a job that may yet be given back it goes on")
    func untilIdleFull() {
        var driver = MachineDriver.running(capacity: 1) { $0.mode = .untilIdle }
        driver.launches([job])
        _ = driver.passes(.seconds(2))
        _ = driver.polls([])
        #expect(driver.machine.phase == .running)
        let query = driver.happens(.launcherEnded(job.id, .exited(.locked))).queries.first ?? StateQuery()
        _ = driver.says([job.id: .scheduled], to: query)
        _ = driver.passes(.seconds(2))
        _ = driver.polls([])
        #expect(driver.machine.phase == .deregistering)
    }

    @Test("an empty list is one, even while others have every slot of the pool")
    func untilIdleFullPool() {
        for next in [nil, "1"] {
            var driver = MachineDriver(sharesSlots: true) { $0.mode = .untilIdle }
            _ = driver.happens(.begin(recovered: []))
            #expect(driver.happens(.registered(.success(MachineDriver.stack()))).polls.map(\.limit) == [1])
            // A page without jobs that others follow says nothing.
            #expect(driver.polls([], next: next).logged("Nothing is scheduled") == (next == nil ? 1 : 0))
            #expect(driver.machine.phase == (next == nil ? .deregistering : .running))
        }
    }

    @Test("a job that was given back is waited for, while the list shows it and before it can")
    func untilIdleReturned() throws {
        var driver = MachineDriver.running { $0.mode = .untilIdle }
        driver.launches([job])
        let query = try #require(driver.happens(.launcherEnded(job.id, .exited(.locked))).queries.first)
        // A list that was asked for before the job was given back does not show it.
        driver.waitsForPoll()
        #expect(driver.says([job.id: .reserved], to: query).givenBack == [[job.id]])
        _ = driver.polls([])
        #expect(driver.machine.phase == .running)
        driver.waitsForPoll()
        _ = driver.happens(.gaveBack([job.id], nil))
        _ = driver.polls([])
        #expect(driver.machine.phase == .running)
        // Then it is shown, and left alone for a while.
        var isReserved = false
        while !isReserved, driver.now < .seconds(20) {
            let wishes = driver.passes(.milliseconds(100))
            isReserved = !wishes.reserved.isEmpty || (!wishes.polls.isEmpty && !driver.polls([job]).reserved.isEmpty)
        }
        #expect(isReserved && driver.now > .seconds(10))
    }

    @Test("a job that Buildkite does not accept in any request is not waited for")
    func untilIdleRefused() {
        var driver = MachineDriver.running { $0.mode = .untilIdle }
        var pending = driver.polls([job])
        while driver.machine.phase == .running, driver.now < .seconds(60) {
            let refusal = CallFailure(.rejected, message: "no")
            let answers = pending.reserved.map { ControllerEvent.reserved(asked: $0, .failure(refusal)) }
            pending = Wishes(driver.machine.step(answers, at: driver.now) + driver.passes(.milliseconds(100)).all)
            if !pending.polls.isEmpty { pending = driver.polls([job]) }
        }
        #expect(driver.machine.phase == .deregistering)
    }

    @Test("a launch that may yet be given back is waited for")
    func untilIdleUnderWay() {
        var bed = LaunchBed([job], fate: { _ in .ends(.exited(.locked), after: .seconds(3)) }) { $0.mode = .untilIdle }
        bed.run(for: .seconds(5))
        bed.fate = { _ in .runs() }
        #expect(bed.run(for: .seconds(120)) { $0.hasEnded })
        #expect(bed.count(.finished) == 1 && bed.error == nil)
    }

    @Test("a job that no agent can acquire is not waited for without end", arguments: [27, 28])
    func untilIdleNotAcquired(status: Int) {
        let fate = LaunchBed.Fate.ends(.exited(JobExit(status: status)), after: .milliseconds(100))
        var bed = LaunchBed([job], fate: { _ in fate }) { $0.mode = .untilIdle }
        #expect(bed.run(for: .seconds(3600)) { $0.hasEnded })
        #expect(bed.launches.count == (status == 27 ? 3 : 30))
        #expect(bed.logged("it is left to others", at: .warning) == 1)
        #expect(bed.error == nil && bed.count(.finished) == 0)
    }

    @Test("a job of which Buildkite never says what became of it is not waited for without end")
    func untilIdleUnknown() {
        var driver = MachineDriver.running { $0.mode = .untilIdle }
        driver.launches([job])
        var pending = driver.happens(.launcherEnded(job.id, .exited(JobExit(status: 3)))).all
        var failures = 0
        while !Wishes(pending).hasEnded, driver.now < .seconds(600) {
            var next: [ControllerAction] = []
            for action in pending {
                switch action {
                case .request(.queryStates(let query)):
                    failures += 1
                    next += driver.happens(.states(query, .failure(.lost))).all
                case .request(.poll): next += driver.polls([]).all
                case .request(.deregister): next += driver.happens(.deregistered(nil)).all
                default: break
                }
            }
            pending = next.isEmpty ? driver.passes(.milliseconds(100)).all : next
        }
        #expect(Wishes(pending).hasEnded && failures >= 5)
        #expect(driver.machine.status(at: driver.now).totals.unreported == 1)
    }

    @Test("a second page that Buildkite refuses is not asked for without end")
    func untilIdleSecondPage() {
        var driver = MachineDriver.running { $0.mode = .untilIdle }
        let odd = ScheduledJob.number(1, rules: ["os=none"])
        var refusals = 0
        var pending = driver.polls([odd], next: "2")
        while driver.machine.phase == .running, driver.now < .seconds(600) {
            var next: [ControllerAction] = []
            for poll in pending.polls {
                if poll.after == nil {
                    next += driver.polls([odd], next: "2").all
                } else {
                    refusals += 1
                    next += driver.happens(.polled(.failure(CallFailure(.rejected, message: "after is invalid")))).all
                }
            }
            pending = next.isEmpty ? driver.passes(.milliseconds(100)) : Wishes(next)
        }
        #expect(driver.machine.phase == .deregistering)
        #expect(refusals == 3)
    }

    @Test("a paused queue is nothing to wait for")
    func untilIdlePaused() {
        var driver = MachineDriver.running { $0.mode = .untilIdle }
        #expect(driver.polls([job], isPaused: true).deregisters == 1)
    }
}
