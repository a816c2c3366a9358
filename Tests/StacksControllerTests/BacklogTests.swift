import Testing

@testable import StacksAPI
@testable import StacksController

@Suite("Jobs that are listed more than once")
struct BacklogTests {
    private let upper = JobID("0198ABCD-0000-7000-8000-0000000000EF")
    private let lower = JobID("0198abcd-0000-7000-8000-0000000000ef")

    @Test("a job that a page lists several times, in whatever case, is reserved and launched once")
    func page() throws {
        var driver = MachineDriver.running()
        let job = ScheduledJob(id: lower)
        let wishes = driver.polls([job, ScheduledJob(id: upper), job, job, job])
        #expect(wishes.reserved == [[lower]])
        #expect(driver.machine.backlog.isEmpty)
        #expect(driver.machine.totals.seen == 1)
        #expect(driver.reserves([lower]).tokens == [[lower]])
        let twice = [upper, lower].map { JobAcquisitionToken(job: $0, token: Secret("t")) }
        let answer = driver.happens(
            .tokens(asked: [lower], .success(JobAcquisitionTokens(issued: twice, notIssued: []))))
        #expect(answer.launched == [lower])
        // It is left alone after it ended, although the list shows it on and on.
        let query = try #require(driver.happens(.launcherEnded(lower, .exited(.locked))).queries.first)
        #expect(driver.says([lower: .scheduled], to: query).reserved.isEmpty)
        while driver.now < .seconds(8) {
            let later = driver.passes(.milliseconds(100))
            #expect(later.reserved.isEmpty)
            if !later.polls.isEmpty { #expect(driver.polls([job, job]).reserved.isEmpty) }
        }
    }

    @Test("a job that the next page shows again, because the list has moved, waits once")
    func pages() {
        var driver = MachineDriver.running(capacity: 200)
        let jobs = ScheduledJob.numbers(0..<100)
        let first = driver.polls(jobs, next: "c1")
        #expect(first.reserved.flatMap { $0 }.count == 100)
        _ = driver.polls(Array(jobs.suffix(10)) + [.number(100), .number(100)])
        var left = driver.machine.backlog
        #expect(left.takeFirst(.max).map(\.id) == [ScheduledJob.number(100).id])

        var backlog = Backlog()
        backlog.add(jobs)
        backlog.add(jobs + [.number(100)])
        #expect(backlog.count == 101)
        #expect(backlog.takeFirst(1).map(\.id) == [jobs[0].id])
        backlog.add([jobs[0]])
        #expect(backlog.count == 101)
    }

    @Test("whatever the pages bring, jobs are taken by priority, and in the order of the list where that is the same")
    func order() {
        let jobs = (0..<3000).map { ScheduledJob.number($0, priority: $0 % 7 - 3) }
        var backlog = Backlog()
        var taken: [ScheduledJob] = []
        for page in stride(from: 0, to: 3000, by: 500) {
            backlog.add(Array(jobs[page..<page + 500]))
            backlog.add([jobs[page]])
            if page == 1000 { taken = backlog.takeFirst(400) }
        }
        let best = jobs.prefix(1500).sorted { $0.priority > $1.priority }
        #expect(taken == Array(best.prefix(400)))
        #expect(backlog.count == 2600 && backlog.oldest == jobs[0])
        let rest = jobs.filter { job in !taken.contains { $0.id == job.id } }.sorted { $0.priority > $1.priority }
        #expect(backlog.takeFirst(100) == Array(rest.prefix(100)))
        #expect(backlog.takeFirst(.max) == Array(rest.dropFirst(100)))
        #expect(backlog.isEmpty && backlog.oldest == nil)
        #expect(backlog.takeFirst(1).isEmpty && backlog.takeFirst(-1).isEmpty)
    }
}
