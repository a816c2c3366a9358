import Testing

@testable import StacksAPI
@testable import StacksController

@Suite("How deep the list is read")
struct PollingDepthTests {
    /// A list of a fixed length whose cursors are the number of the next job.
    private struct List {
        var jobs: [ScheduledJob]

        func page(limit: Int, after cursor: String?) -> (jobs: [ScheduledJob], next: String?) {
            let begin = cursor.flatMap { Int($0) } ?? 0
            let end = min(begin + limit, jobs.count)
            return (Array(jobs[begin..<end]), end < jobs.count ? "\(end)" : nil)
        }
    }

    @Test("pages are as long as they may be while a slot is free")
    func limits() {
        var driver = MachineDriver.running(capacity: 50)
        let none = ScheduledJob.number(1, rules: ["os=none"])
        #expect(driver.polls([none], next: "1").polls.map(\.limit) == [1000])
        #expect(driver.polls([none]).polls.isEmpty)
        #expect(driver.passes(.seconds(2)).polls.map(\.limit) == [1000])
    }

    @Test("with one slot, the best of five pages is started first, wherever it is on them")
    func bestOfPages() {
        var driver = MachineDriver.running(capacity: 1)
        let best = ScheduledJob.number(4500, priority: 99)
        let list = List(jobs: ScheduledJob.numbers(0..<4500) + [best])
        var (wishes, cursor): (Wishes, String?) = (Wishes([]), nil)
        for page in 0..<5 {
            let (jobs, next) = list.page(limit: 1000, after: cursor)
            wishes = driver.polls(jobs, next: next)
            cursor = next
            if page < 4 {
                #expect(wishes.reserved.isEmpty)
                #expect(wishes.polls.map(\.after) == [next])
            }
        }
        #expect(wishes.reserved == [[best.id]])
    }

    @Test("a list of more than five pages does not keep a slot free: the best of five is started")
    func tooDeepToChoose() {
        var driver = MachineDriver.running(capacity: 1)
        let list = List(jobs: ScheduledJob.numbers(0..<9000))
        var (wishes, cursor): (Wishes, String?) = (Wishes([]), nil)
        for _ in 0..<5 {
            let (jobs, next) = list.page(limit: 1000, after: cursor)
            wishes = driver.polls(jobs, next: next)
            cursor = next
        }
        #expect(wishes.reserved == [[list.jobs[0].id]])
        #expect(wishes.polls.isEmpty)
    }

    @Test("what a page shows is reserved at once where there are slots for all of it, while the next is read")
    func atOnce() {
        var driver = MachineDriver.running(capacity: 3000)
        let list = List(jobs: ScheduledJob.numbers(0..<2500))
        let (jobs, next) = list.page(limit: 1000, after: nil)
        let wishes = driver.polls(jobs, next: next)
        #expect(wishes.reserved.map(\.count) == [1000])
        #expect(wishes.polls.map(\.after) == [next])
    }

    @Test("while the page that is chosen from cannot be read, what is known is started")
    func lostPage() {
        var driver = MachineDriver.running(capacity: 1)
        let jobs = ScheduledJob.numbers(0..<1000)
        #expect(driver.polls(jobs, next: "1000").reserved.isEmpty)
        #expect(driver.happens(.polled(.failure(.lost))).reserved == [[jobs[0].id]])
    }

    @Test("a page that is lost takes nothing away of what the pages before it have shown")
    func lostPageOfMany() {
        var driver = MachineDriver.running { $0.isDryRun = true }
        let list = List(jobs: ScheduledJob.numbers(0..<3500))
        func page(_ cursor: String?) -> Wishes {
            let (jobs, next) = list.page(limit: 1000, after: cursor)
            return driver.polls(jobs, next: next)
        }
        _ = page(nil)
        _ = page("1000")
        _ = driver.happens(.polled(.failure(.lost)))
        #expect(driver.passes(.seconds(2)).polls.map(\.after) == [nil])
        #expect(page(nil).polls.map(\.after) == ["2000"])
        _ = page("2000")
        let last = page("3000")
        #expect(last.logged("3500 scheduled jobs match") == 1)
        #expect(driver.machine.status(at: driver.now).current.waiting == 3500)
        #expect(driver.machine.status(at: driver.now).knowsAllWaiting)
        // The next reading begins anew.
        driver.waitsForPoll()
        _ = driver.polls([.number(1)])
        #expect(driver.machine.backlog.count == 1)
    }

    @Test("a list that takes longer than ten seconds to read is counted whole")
    func longReading() {
        var driver = MachineDriver.running { $0.isDryRun = true }
        let list = List(jobs: ScheduledJob.numbers(0..<30_000))
        var (polls, heads, lines): ([(limit: Int, after: String?)], Int, [String]) = ([(1000, nil)], 0, [])
        while lines.isEmpty, driver.now < .seconds(60) {
            guard let poll = polls.popLast() else {
                polls = driver.passes(.milliseconds(100)).polls
                continue
            }
            if poll.after == nil { heads += 1 }
            polls += driver.passes(.milliseconds(500)).polls
            let (jobs, next) = list.page(limit: poll.limit, after: poll.after)
            let wishes = driver.polls(jobs, next: next)
            polls += wishes.polls
            lines = wishes.lines.map(\.message).filter { $0.contains("scheduled jobs match") }
        }
        #expect(lines.map { $0.hasPrefix("30000 ") } == [true])
        #expect(heads == 2)
    }

    @Test("a job behind thirty thousand that do not match is found, and the head is read again every ten seconds")
    func depth() {
        var driver = MachineDriver(capacity: 1)
        let list = List(jobs: (0..<30_000).map { .number($0, rules: ["os=none"]) } + [.number(30_000)])
        var wishes = driver.happens(.begin(recovered: []))
        wishes = driver.happens(.registered(.success(MachineDriver.stack())))
        var heads: [Duration] = []
        var reserved: [[JobID]] = []
        // Each answer takes half a second, so that a pass over the list takes longer than the head may wait.
        while reserved.isEmpty, driver.now < .seconds(120) {
            for poll in wishes.polls {
                if poll.after == nil { heads.append(driver.now) }
                _ = driver.passes(.milliseconds(500))
                let page = list.page(limit: poll.limit, after: poll.after)
                wishes = driver.polls(page.jobs, next: page.next)
                reserved += wishes.reserved
            }
            if wishes.polls.isEmpty { wishes = driver.passes(.milliseconds(100)) }
        }
        #expect(reserved == [[ScheduledJob.number(30_000).id]])
        #expect(heads.count >= 2)
        for (one, next) in zip(heads, heads.dropFirst()) { #expect(next - one < .seconds(13)) }
        #expect(driver.machine.totals.unmatched == 30_000)
    }

    @Test("pages are read no faster than five a second, whatever the list says")
    func rate() {
        var driver = MachineDriver.running(capacity: 1)
        var polls = 0
        for page in 1...100 {
            var wishes = driver.polls([.number(page, rules: ["os=none"])], next: "\(page)")
            while wishes.polls.isEmpty { wishes = driver.passes(.milliseconds(50)) }
            polls += wishes.polls.count
        }
        #expect(polls == 100)
        #expect(driver.now >= .seconds(18))
    }

    @Test("a cursor that is not accepted is given up, and one whose page was lost is gone on with")
    func cursors() {
        var driver = MachineDriver.running(capacity: 1)
        let none = ScheduledJob.number(1, rules: ["os=none"])
        #expect(driver.polls([none], next: "a").polls.map(\.after) == ["a"])
        _ = driver.happens(.polled(.failure(.lost)))
        #expect(driver.passes(.seconds(2)).polls.map(\.after) == [nil])
        #expect(driver.polls([none], next: "b").polls.map(\.after) == ["a"])
        _ = driver.happens(.polled(.failure(CallFailure(.rejected, message: "no cursor"))))
        #expect(driver.passes(.seconds(4)).polls.map(\.after) == [nil])
        #expect(driver.polls([none], next: "b").polls.map(\.after) == ["b"])
    }

    @Test("until idle: a matching job that was seen before the head was read again still counts")
    func untilIdle() {
        var driver = MachineDriver.running(capacity: 2) { $0.mode = .untilIdle }
        let none = ScheduledJob.number(1, rules: ["os=none"])
        _ = driver.polls([.number(2)], next: "a")
        _ = driver.happens(.reserved(asked: [ScheduledJob.number(2).id], .failure(.lost)))
        _ = driver.passes(.milliseconds(900))
        _ = driver.polls([none])
        #expect(driver.machine.phase == .running)
    }

    @Test("the oldest job that waits is known, with its age, and another is when it has been taken")
    func oldest() {
        var driver = MachineDriver.running(capacity: 1)
        let jobs: [ScheduledJob] = [.number(1), .number(2, priority: 5), .number(3)]
        #expect(driver.polls(jobs).reserved == [[jobs[1].id]])
        _ = driver.passes(.milliseconds(700))
        let oldest = driver.machine.status(at: driver.now).oldestWaiting
        #expect(oldest?.job == jobs[0].id)
        #expect(oldest?.waited == .milliseconds(700))
        #expect(driver.machine.status(at: driver.now).summary.contains("the oldest waits for 0.7 s"))
        _ = driver.happens(
            .reserved(asked: [jobs[1].id], .success(Reservation(reserved: [], notReserved: [jobs[1].id]))))
        _ = driver.passes(.milliseconds(100))
        #expect(driver.machine.status(at: driver.now).oldestWaiting?.job == jobs[2].id)
    }
}
