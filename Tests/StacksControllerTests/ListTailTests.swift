import Testing

@testable import StacksAPI
@testable import StacksController

/// A list of very many jobs that match nothing costs what changes in it, not what is in it.
@Suite("The tail of a long list")
struct ListTailTests {
    /// What a cursor is on a server.
    enum Cursors: CaseIterable {
        /// The last job that was listed.
        case job
        /// How many jobs were listed: the list moves under it.
        case count
        /// The last job, and none at the end of the list.
        case jobAndNone
    }

    /// A server with a list, and a controller that has free slots.
    private struct World {
        var jobs: [ScheduledJob]
        let cursors: Cursors
        var driver = MachineDriver.running(capacity: 10)
        private(set) var reserved: [JobID] = []
        private(set) var pages = 0
        private(set) var listed = 0
        private var isAsked = true
        private var request: (limit: Int, after: String?) = (1000, nil)

        init(_ count: Int, _ cursors: Cursors) {
            jobs = (0..<count).map { .number($0, rules: ["os=none"]) }
            self.cursors = cursors
        }

        mutating func passes(_ time: Duration) {
            let end = driver.now + time
            while driver.now < end {
                if isAsked {
                    let wishes = answer()
                    isAsked = false
                    take(wishes)
                } else {
                    take(driver.passes(.milliseconds(100)))
                }
            }
        }

        private mutating func take(_ wishes: Wishes) {
            if let poll = wishes.polls.last { (isAsked, request) = (true, poll) }
            for ids in wishes.reserved {
                reserved += ids
                jobs.removeAll { ids.contains($0.id) }
            }
        }

        private mutating func answer() -> Wishes {
            var begin = 0
            if let after = request.after {
                switch cursors {
                case .count: begin = Int(after) ?? 0
                case .job, .jobAndNone: begin = jobs.firstIndex { $0.id.description > after } ?? jobs.count
                }
            }
            let page = Array(jobs.dropFirst(begin).prefix(request.limit))
            pages += 1
            listed += page.count
            let hasNext = begin + page.count < jobs.count
            var cursor: String? = cursors == .count ? "\(begin + page.count)" : page.last?.id.description
            if cursors == .jobAndNone, !hasNext { cursor = nil }
            let info = ScheduledJobsPage.PageInfo(hasNextPage: hasNext, endCursor: cursor)
            return driver.happens(
                .polled(
                    .success(
                        ScheduledJobsPage(
                            jobs: page, pageInfo: info, clusterQueue: .init(id: nil, isDispatchPaused: false)))))
        }
    }

    @Test("a job that comes to the end of a long list is reserved after one poll", arguments: Cursors.allCases)
    func newJob(cursors: Cursors) {
        var world = World(4500, cursors)
        world.passes(.seconds(7))
        let pages = world.pages
        world.jobs.append(.number(9000))
        world.passes(.seconds(2))
        #expect(world.reserved == [ScheduledJob.number(9000).id])
        #expect(world.pages - pages <= 12)
        #expect(world.driver.machine.totals.unmatched == 4500)
    }

    @Test(
        "where the list moves under its cursors, a new job is seen within ten seconds and a reading",
        arguments: Cursors.allCases)
    func movedList(cursors: Cursors) {
        var world = World(4500, cursors)
        world.passes(.seconds(7))
        world.jobs.removeFirst(700)
        world.jobs += [.number(9000), .number(9001, rules: ["os=none"])]
        world.passes(.seconds(13))
        #expect(world.reserved == [ScheduledJob.number(9000).id])
    }

    @Test(
        "a job that comes back in the midst of the list is seen by the next reading of all of it",
        arguments: Cursors.allCases)
    func midst(cursors: Cursors) {
        var world = World(3000, cursors)
        world.passes(.seconds(7))
        world.jobs[500] = .number(500)
        world.passes(.seconds(15))
        #expect(world.reserved == [ScheduledJob.number(500).id])
    }

    @Test("a job that came to the tail and went again is no reason to be busy", arguments: Cursors.allCases)
    func idleReason(cursors: Cursors) {
        var world = World(4500, cursors)
        world.passes(.seconds(7))
        let job = ScheduledJob.number(9000)
        world.jobs.append(job)
        world.passes(.seconds(2))
        #expect(world.reserved == [job.id])
        // Another stack was quicker.
        _ = world.driver.happens(.reserved(asked: [job.id], .success(Reservation(reserved: [], notReserved: [job.id]))))
        world.passes(.milliseconds(1500))
        #expect(world.driver.machine.status(at: world.driver.now).idleReason == .nothingMatches)
    }

    @Test("an hour with 100 000 jobs of others: requests and listed jobs", arguments: [Cursors.count])
    func cost(cursors: Cursors) {
        var world = World(100_000, cursors)
        world.passes(.seconds(30))
        let (pages, listed) = (world.pages, world.listed)
        world.passes(.seconds(3600))
        // One poll a second, and a hundred pages every five minutes.
        #expect(world.pages - pages <= 3600 + 13 * 100)
        #expect(world.listed - listed <= (cursors == .jobAndNone ? 3600 * 1000 : 360 * 1000) + 13 * 100_000)
        #expect(world.driver.machine.status(at: world.driver.now).idleReason == .nothingMatches)
    }
}
