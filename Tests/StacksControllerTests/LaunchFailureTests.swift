import Logging
import Testing

@testable import StacksAPI
@testable import StacksController

@Suite("When launches end before an agent has taken the job")
struct LaunchFailureTests {
    private let jobs = ScheduledJob.numbers(0..<300)

    @Test("three in a row fail their jobs; after that jobs are given back, and one at a time is tried, later and later")
    func broken() {
        var bed = LaunchBed(jobs, capacity: 1) { _ in .fails }
        bed.run(for: .seconds(3600))
        #expect(bed.failed.count == 3)
        #expect(bed.failed.values.allSatisfy { $0.contains("status 1") })
        #expect(bed.count(.finished) == 3 && bed.driver.machine.totals.failed == 3)
        let tries = bed.launches.dropFirst(3).map(\.at)
        let waits = zip(tries.dropFirst(), tries).map { $0.0 - $0.1 }
        // An exit is seen, a state asked for, and a job reserved besides.
        for (wait, least) in zip(waits, [10, 20, 40, 80, 160, 300, 300, 300] as [Int64]) {
            #expect(wait >= .seconds(least) && wait < .seconds(least + 3))
        }
        #expect(waits.count > 10 && waits.allSatisfy { $0 < .seconds(303) })
        #expect(tries.first.map { $0 < .seconds(15) } == true)
    }

    @Test("launches under way when the third fails: those that fail too are given back", arguments: [10, 50])
    func underWay(capacity: Int) {
        var bed = LaunchBed(jobs, capacity: capacity) { _ in .fails }
        bed.run(for: .seconds(4))
        #expect(bed.failed.count == 3)
        // The slot of one that is settled before the third fails is used again.
        #expect(bed.launches.count >= capacity && bed.launches.count <= capacity + 2)
        #expect(Set(bed.launches.map(\.id)) == Set(bed.givenBack + bed.failed.keys))
        #expect(bed.idleReason == .launchesFail)
    }

    @Test("what is reserved and not launched when the third fails is given back, and the try is one job")
    func reserved() {
        let slow = Set(jobs.prefix(3).map(\.id))
        var bed = LaunchBed(jobs, capacity: 3) {
            slow.contains($0) ? .ends(.failed("no disk"), after: .seconds(2)) : .fails
        }
        bed.run(for: .seconds(3600))
        #expect(bed.failed.count == 3)
        // One at a time: each launch comes after the end of the one before.
        let tries = bed.launches.dropFirst(3).map(\.at)
        #expect(zip(tries.dropFirst(), tries).allSatisfy { $0.0 - $0.1 >= .seconds(5) })
    }

    @Test("the first job that an agent takes ends it: every slot is used again, and every job is run")
    func mended() {
        var bed = LaunchBed(jobs, capacity: 20) { _ in .fails }
        bed.run(for: .seconds(100))
        #expect(bed.logged("launches in a row", at: .error) == 1)
        bed.fate = { _ in .runs(for: .seconds(5)) }
        let before = bed.launches.count
        #expect(bed.run(for: .seconds(600)) { $0.status.idleReason != .launchesFail })
        // The try alone, until its agent has taken the job.
        let since = bed.launches.dropFirst(before).map(\.at)
        #expect(since.dropFirst().allSatisfy { $0 >= (since.first ?? .zero) + .milliseconds(300) })
        #expect(bed.logged("Launches succeed again", at: .notice) == 1)
        #expect(bed.run(for: .seconds(600)) { $0.count(.finished) == 300 })
        #expect(bed.failed.count == 3)
        #expect(bed.driver.machine.totals.finished == 297)
    }

    @Test("bad jobs among good ones are failed with their message", arguments: [1, 3, 10])
    func single(capacity: Int) {
        let bad = Set(jobs.enumerated().filter { $0.offset % 3 == 1 }.prefix(30).map(\.element.id))
        var bed = LaunchBed(Array(jobs.prefix(90)), capacity: capacity) {
            bad.contains($0) ? .ends(.failed("no image for it"), after: .milliseconds(400)) : .runs(for: .seconds(1))
        }
        #expect(bed.run(for: .seconds(3600)) { $0.count(.finished) == 90 })
        #expect(Set(bed.failed.keys) == bad)
        #expect(bed.failed.values.allSatisfy { $0 == "no image for it" })
        #expect(bed.logged("launches in a row", at: .error) == 0)
    }

    @Test("jobs that fail at the head of the queue keep no other from being tried")
    func head() {
        let bad = jobs.prefix(8).map { ScheduledJob.number(Int($0.id.description.suffix(4)) ?? 0, priority: 9) }
        let ids = Set(bad.map(\.id))
        var bed = LaunchBed(bad + jobs[100..<110], capacity: 1) { ids.contains($0) ? .fails : .runs(for: .seconds(1)) }
        #expect(bed.run(for: .seconds(900)) { $0.driver.machine.totals.finished > 0 })
        #expect(bed.failed.count == 3)
    }

    @Test("a job that is alone is retried, however often it has failed")
    func alone() {
        var bed = LaunchBed(Array(jobs.prefix(4)), capacity: 1) { _ in .fails }
        bed.run(for: .seconds(1500))
        #expect(bed.failed.count == 3)
        let tries = bed.launches.filter { $0.id == jobs[3].id }.map(\.at)
        let waits = zip(tries.dropFirst(), tries).map { $0.0 - $0.1 }
        #expect(waits.count >= 7)
        for (wait, least) in zip(waits, [10, 20, 40, 80, 160, 300] as [Int64]) {
            #expect(wait >= .seconds(least) && wait < .seconds(least + 6))
        }
    }

    @Test("an agent that comes late to a job launched before says nothing of those that fail since")
    func lateAgents() {
        var count = 0
        // Ten virtual machines boot when the launcher breaks.
        var bed = LaunchBed(Array(jobs.prefix(10)), capacity: 20) { _ in
            count += 1
            return count <= 10 ? .runs(after: .seconds(10 + Int64(count) * 5)) : .fails
        }
        bed.run(for: .seconds(1))
        bed.add(Array(jobs.dropFirst(10)))
        bed.run(for: .seconds(200))
        #expect(bed.failed.count == 3)
        #expect(bed.idleReason == .launchesFail)
    }

    @Test("one that was launched with those that fail shows that the launcher works")
    func launchedTogether() {
        let bad = Set(jobs.prefix(5).map(\.id))
        var bed = LaunchBed(Array(jobs.prefix(10)), capacity: 10) {
            bad.contains($0) ? .fails : .runs(after: .seconds(12))
        }
        bed.run(for: .seconds(4))
        #expect(bed.idleReason == .launchesFail)
        #expect(bed.run(for: .seconds(12)) { $0.idleReason != .launchesFail })
    }

    @Test(
        "an agent that could not acquire its job, or found it locked, is no failure and no success",
        arguments: [27, 28])
    func notAcquired(status: Int) {
        let odd = LaunchBed.Fate.ends(.exited(JobExit(status: status)), after: .milliseconds(100))
        var bed = LaunchBed(jobs, capacity: 1) { _ in odd }
        bed.run(for: .seconds(120))
        #expect(bed.launches.count > 20 && bed.failed.isEmpty)
        #expect(bed.idleReason != .launchesFail)
        // Between failures it does not break the row.
        var count = 0
        bed = LaunchBed(jobs, capacity: 1) { _ in
            count += 1
            return count % 2 == 0 ? odd : .fails
        }
        bed.run(for: .seconds(60))
        #expect(bed.failed.count == 3 && bed.idleReason == .launchesFail)
        // As a try it tells nothing: another is made, and the wait is not a longer one.
        bed.fate = { _ in odd }
        let failures = bed.driver.machine.startTrouble?.failures
        bed.run(for: .seconds(120))
        #expect(bed.idleReason == .launchesFail)
        #expect(bed.driver.machine.startTrouble?.failures == failures)
    }

    @Test(
        "commands that end with 75, at once or after some seconds, fail no job: they are given back, and tried later and later",
        arguments: [.milliseconds(100), .seconds(3)] as [Duration])
    func unavailable(time: Duration) {
        let nothing = LaunchBed.Fate.ends(.exited(.unavailable), after: time)
        var bed = LaunchBed(jobs, capacity: 4) { _ in nothing }
        #expect(bed.run(for: .seconds(30)) { $0.idleReason == .cannotStart })
        bed.run(for: .seconds(3600))
        #expect(bed.failed.isEmpty && bed.count(.finished) == 0)
        #expect(bed.driver.machine.totals.failed == 0)
        #expect((bed.driver.machine.startTrouble?.failures ?? 10) >= 10)
        // At a minute a try, and never more than there are slots.
        #expect(bed.launches.count < 4 * 150)
        bed.fate = { _ in .runs(for: .seconds(5)) }
        #expect(bed.run(for: .seconds(1200)) { $0.count(.finished) == 300 })
        #expect(bed.failed.isEmpty)
    }

    @Test("a job that an agent has run is over, whatever its command ends with")
    func endsLikeUnavailable() {
        var driver = MachineDriver.running()
        let job = jobs[0]
        driver.launches([job])
        let query = driver.happens(.launcherEnded(job.id, .exited(.unavailable))).queries
        #expect(query.count == 1)
        for query in query { _ = driver.says([job.id: .finished], to: query) }
        #expect(driver.machine.startTrouble == nil)
        #expect(driver.machine.totals.failed == 0)
    }

    @Test("a launcher that throws, and one whose agent never comes, count alike", arguments: [false, true])
    func otherEnds(isUnresponsive: Bool) {
        let fate: LaunchBed.Fate = isUnresponsive ? .isUnresponsive : .hangs
        var bed = LaunchBed(jobs, capacity: 4, fate: { _ in fate }) { $0.startTimeout = .seconds(30) }
        bed.run(for: .seconds(60))
        #expect(bed.idleReason == .launchesFail)
        #expect(bed.failed.isEmpty)
        bed = LaunchBed(jobs, capacity: 4) { _ in .ends(.failed("no image"), after: .zero) }
        bed.run(for: .seconds(10))
        #expect(bed.idleReason == .launchesFail && bed.failed.count == 3)
        #expect(bed.status.startTrouble == "no image")
    }

    @Test("a try that never ends, whose job is cancelled, holds up no other")
    func stuckTry() {
        var bed = LaunchBed(jobs, capacity: 2, fate: { _ in .fails }) { $0.startTimeout = .seconds(30) }
        bed.run(for: .seconds(6))
        let before = bed.launches.count
        bed.fate = { _ in .isUnresponsive }
        #expect(bed.run(for: .seconds(30)) { $0.launches.count > before })
        bed.fate = { _ in .runs() }
        #expect(bed.run(for: .seconds(400)) { $0.idleReason != .launchesFail })
    }

    @Test("a launcher that throws LauncherUnavailable and one that fails share one state")
    func oneTrouble() {
        let unavailable = LaunchBed.Fate.ends(.unavailable("no descriptors"), after: .zero)
        var bed = LaunchBed(jobs, capacity: 1) { _ in unavailable }
        bed.run(for: .seconds(20))
        #expect(bed.idleReason == .cannotStart && bed.failed.isEmpty)
        bed.fate = { _ in .fails }
        bed.run(for: .seconds(120))
        #expect(bed.idleReason == .launchesFail && bed.failed.count == 3)
        // A try that says so counts as one that has failed.
        let failures = bed.driver.machine.startTrouble?.failures ?? 0
        bed.fate = { _ in unavailable }
        bed.run(for: .seconds(700))
        #expect(bed.idleReason == .launchesFail && bed.failed.count == 3)
        #expect(bed.driver.machine.startTrouble?.failures ?? 0 > failures)
        #expect(bed.status.startTrouble == "no descriptors")
    }

    @Test("of commands that were found running and fail, three are reported")
    func recovered() throws {
        let found = jobs.prefix(10).map(\.id)
        var driver = MachineDriver(capacity: 10)
        _ = driver.happens(.begin(recovered: Array(found)))
        _ = driver.happens(.registered(.success(MachineDriver.stack())))
        let reserved = Dictionary(uniqueKeysWithValues: found.map { ($0, JobState.reserved) })
        _ = driver.passes(.seconds(6))
        _ = driver.says(reserved, to: StateQuery(watched: Array(found)))
        _ = driver.happens(
            .renewed(asked: Array(found), .success(Reservation(reserved: Array(found), notReserved: []))))
        var all: [ControllerAction] = []
        for id in found { all += driver.happens(.launcherEnded(id, .exited(JobExit(status: 1)))).all }
        for query in Wishes(all).queries { all += driver.says(reserved, to: query).all }
        var next = driver.passes(.seconds(2))
        all += next.all
        for query in next.queries {
            next = driver.says(reserved, to: query)
            all += next.all
        }
        all += driver.passes(.seconds(2)).all
        #expect(Wishes(all).finishes.count == 3)
        #expect(Set(Wishes(all).givenBack.joined()).count == 7)
    }

    @Test("a controller that drains goes on giving back, and tries nothing more")
    func draining() {
        var count = 0
        var bed = LaunchBed(jobs, capacity: 10) { _ in
            count += 1
            return .ends(.exited(JobExit(status: 1)), after: .seconds(Int64(count)))
        }
        bed.run(for: .seconds(5))
        #expect(bed.idleReason == .launchesFail)
        let before = bed.launches.count
        bed.drain()
        #expect(bed.run(for: .seconds(60)) { $0.hasEnded })
        #expect(bed.launches.count == before && bed.failed.count == 3)
        #expect(bed.error == nil)
        // The row counts in a drain too.
        bed = LaunchBed(jobs, capacity: 10) { _ in .ends(.exited(JobExit(status: 1)), after: .seconds(20)) }
        bed.run(for: .seconds(5))
        bed.drain()
        #expect(bed.run(for: .seconds(60)) { $0.hasEnded })
        #expect(bed.failed.count == 3 && Set(bed.givenBack).count == 7)
    }

    @Test("a controller that ends by itself ends with an error after three tries, and not before")
    func untilIdle() {
        var bed = LaunchBed(jobs, capacity: 10, fate: { _ in .fails }) { $0.mode = .untilIdle }
        #expect(bed.run(for: .seconds(120)) { $0.hasEnded })
        #expect(bed.error?.code == .launcherUnusable)
        #expect(bed.error?.message.contains("status 1") == true)
        #expect(bed.launches.count <= 15 && bed.failed.count == 3)
        #expect(bed.now > .seconds(30) && bed.now < .seconds(60))
        // One that is mended meanwhile runs everything.
        bed = LaunchBed(jobs, capacity: 10, fate: { _ in .fails }) { $0.mode = .untilIdle }
        bed.run(for: .seconds(10))
        bed.fate = { _ in .runs(for: .seconds(1)) }
        #expect(bed.run(for: .seconds(600)) { $0.hasEnded })
        #expect(bed.error == nil && bed.count(.finished) == 300)
    }

    @Test("a launcher that can start nothing for minutes ends such a controller with an error too")
    func untilIdleUnavailable() {
        var bed = LaunchBed(
            jobs, capacity: 10, fate: { _ in .ends(.unavailable("the disk is full"), after: .zero) }
        ) { $0.mode = .untilIdle }
        #expect(bed.run(for: .seconds(1800)) { $0.hasEnded })
        #expect(bed.error?.code == .launcherUnusable && bed.failed.isEmpty)
        #expect(bed.now > .seconds(150))
    }

    @Test("the status says so in words, and the log once at the begin and once at the end")
    func words() {
        var bed = LaunchBed(jobs, capacity: 10) { _ in .fails }
        bed.run(for: .seconds(300))
        #expect(bed.status.idleReason?.description == "launches end before an agent has taken their job")
        #expect(bed.status.startTrouble?.contains("status 1") == true)
        #expect(
            bed.status.summary.contains("nothing starts: launches end before an agent has taken their job (The agent's")
        )
        #expect(bed.logged("launches in a row ended before an agent had taken the job", at: .error) == 1)
        #expect(bed.lines.count { $0.level == .error && !$0.message.contains("launches in a row") } == 3)
        bed.fate = { _ in .runs() }
        bed.run(for: .seconds(600))
        #expect(bed.logged("Launches succeed again", at: .notice) == 1)
        #expect(bed.status.startTrouble == nil)
        #expect(bed.logged("launches in a row", at: .error) == 1)
    }

    @Test("the pages of the jobs say so, once each")
    func pages() throws {
        var bed = LaunchBed(jobs, capacity: 10) { _ in .fails }
        bed.run(for: .seconds(300))
        let back = try #require(bed.givenBack.first)
        let texts = bed.notices.filter { $0.id == back }.map(\.text)
        #expect(
            texts.contains {
                $0.hasPrefix(
                    "Stack stack: given back, because launches end before an agent has taken the job: The agent's")
            })
        #expect(bed.notices.contains { $0.text.hasPrefix("Stack stack: waiting: launches end before an agent") })
        for (_, said) in Dictionary(grouping: bed.notices, by: \.id) {
            #expect(Set(said.map(\.text)).count == said.count)
        }
    }
}
