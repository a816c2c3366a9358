import Logging
import Testing

@testable import StacksAPI
@testable import StacksController

@Suite("Lists that are not what they should be")
struct OddListTests {
    private let good = ScheduledJob.number(1)

    private func page(_ unreadable: [UnreadableJob], next cursor: String? = nil) -> ScheduledJobsPage {
        var page = MachineDriver.page([good], next: cursor)
        page.unreadableJobs = unreadable
        return page
    }

    @Test("a job that cannot be read is skipped with a warning that names its field, once, and the others are reserved")
    func skipped() {
        var driver = MachineDriver.running()
        let odd = [
            UnreadableJob(position: 0, id: "0190-odd", field: "scheduled_at", reason: "a date is not in ISO 8601"),
            UnreadableJob(position: 2, field: "id", reason: "the field \"id\" is missing"),
        ]
        var wishes = driver.happens(.polled(.success(page(odd))))
        #expect(wishes.reserved == [[good.id]])
        #expect(wishes.logged("cannot be read: its field scheduled_at: a date", at: .warning) == 1)
        #expect(wishes.logged("cannot be read: its field id", at: .warning) == 1)
        #expect(driver.machine.totals.unreadable == 2)
        for _ in 0..<20 {
            wishes = driver.passes(.seconds(2))
            guard !wishes.polls.isEmpty else { continue }
            #expect(driver.happens(.polled(.success(page(odd)))).logged("cannot be read") == 0)
        }
        #expect(driver.machine.totals.unreadable == 2)
    }

    @Test("a page full of them is not a line for each")
    func many() {
        var driver = MachineDriver.running()
        let odd = (0..<1000).map { number in
            UnreadableJob(position: number, id: JobID("odd-\(number)"), field: "priority", reason: "is no integer")
        }
        let wishes = driver.happens(.polled(.success(page(odd))))
        #expect(wishes.logged("cannot be read", at: .warning) == 101)
        #expect(wishes.logged("900 more jobs") == 1)
        #expect(wishes.reserved == [[good.id]])
    }

    @Test("in a queue of nothing but jobs that cannot be read nothing matches")
    func nothingElse() {
        var driver = MachineDriver.running()
        var page = MachineDriver.page([])
        page.unreadableJobs = [UnreadableJob(position: 0, field: "", reason: "expected an object, found null")]
        _ = driver.happens(.polled(.success(page)))
        #expect(driver.machine.status(at: driver.now).idleReason == .nothingMatches)
    }

    @Test("more jobs that are announced without a cursor are logged, once", arguments: [nil, ""])
    func noCursor(_ cursor: String?) {
        var driver = MachineDriver.running()
        var page = MachineDriver.page([.number(1, rules: ["os=none"])])
        page.pageInfo = .init(hasNextPage: true, endCursor: cursor)
        #expect(driver.happens(.polled(.success(page))).logged("no cursor", at: .warning) == 1)
        for _ in 0..<5 {
            #expect(driver.passes(.seconds(2)).polls.map(\.after) == [nil])
            #expect(driver.happens(.polled(.success(page))).logged("no cursor") == 0)
        }
    }

    @Test("reading ends at pages that show nothing new, whatever their cursors are, and that is logged once")
    func barren() {
        var driver = MachineDriver.running(capacity: 1)
        let none = ScheduledJob.number(1, rules: ["os=none"])
        var polls = 0
        var said = 0
        var heads = 0
        while driver.now < .seconds(60) {
            for poll in driver.passes(.milliseconds(100)).polls + (polls == 0 ? [(100, nil)] : []) {
                polls += 1
                if poll.after == nil { heads += 1 }
                var wishes = driver.polls(polls % 2 == 0 ? [] : [none], next: "c\(polls)")
                said += wishes.logged("nothing new", at: .warning)
                while !wishes.polls.isEmpty {
                    polls += 1
                    wishes = driver.polls([none], next: "c\(polls)")
                    said += wishes.logged("nothing new", at: .warning)
                }
            }
        }
        #expect(said == 1)
        // Each reading ends after eleven pages or so, and the next one begins at the head.
        #expect(heads > 10)
        #expect(polls < 15 * heads)
    }
}
