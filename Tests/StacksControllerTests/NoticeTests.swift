import HTTPTypes
import StacksTesting
import Testing

@testable import StacksAPI
@testable import StacksController

@Suite("What a job's page says while it waits", .timeLimit(.minutes(5)))
struct NoticeTests {
    private let jobs = ScheduledJob.numbers(0..<3)

    // MARK: The machine

    @Test("that the job is reserved, and being launched, and nothing else of one that goes well")
    func launched() {
        var driver = MachineDriver.running()
        #expect(driver.polls([jobs[0]]).notices.isEmpty)
        #expect(driver.reserves([jobs[0].id]).notices.map(\.text) == ["Stack stack: reserved"])
        let launch = driver.issues([jobs[0].id])
        #expect(launch.notices.map(\.text) == ["Stack stack: launching an agent"])
        #expect(launch.notices.map(\.id) == [jobs[0].id])
        #expect(driver.happens(.launcherEnded(jobs[0].id, .exited(.success))).notices.isEmpty)
    }

    @Test("that every slot is taken, once, however long that lasts")
    func full() {
        var driver = MachineDriver.running(capacity: 1)
        let notices = driver.polls(jobs).notices
        #expect(notices.map(\.id) == [jobs[1].id, jobs[2].id])
        #expect(notices.allSatisfy { $0.text == "Stack stack: waiting for a slot (the one slot is taken)" })
        for _ in 0..<10 {
            driver.waitsForPoll()
            #expect(driver.polls([jobs[1]], next: "more").notices.isEmpty)
        }
    }

    @Test("that it was given back and why: each reason once for a job, and no more than some")
    func givenBack() {
        var driver = MachineDriver.running()
        _ = driver.polls(jobs)
        _ = driver.reserves(jobs.map(\.id))
        let drain = driver.happens(.drain)
        #expect(drain.notices.isEmpty)
        // Their tokens are on the way: they go back when those come.
        let back = driver.issues(jobs.map(\.id)).notices
        #expect(back.map(\.id).sorted() == jobs.map(\.id).sorted())
        #expect(back.allSatisfy { $0.text == "Stack stack: given back, because the stack is shutting down" })

        driver = .running()
        var texts: [String] = []
        while driver.now < .seconds(600) {
            texts += driver.polls([jobs[0]]).notices.map(\.text)
            texts += driver.reserves([jobs[0].id]).notices.map(\.text)
            if driver.machine.ledger[jobs[0].id]?.stage == .issuing {
                texts += driver.issues([jobs[0].id]).notices.map(\.text)
                texts += driver.happens(.launcherEnded(jobs[0].id, .unavailable("the disk is full"))).notices.map(
                    \.text)
                _ = driver.happens(.gaveBack([jobs[0].id], nil))
            }
            driver.waitsForPoll()
        }
        #expect(
            Set(texts) == [
                "Stack stack: reserved", "Stack stack: launching an agent",
                "Stack stack: given back, because nothing can be started right now: the disk is full",
                "Stack stack: nothing can be started right now: the disk is full",
            ])
        #expect(texts.count == Set(texts).count)
    }

    @Test("that Buildkite issues no token, once, however often it is asked")
    func noToken() {
        var driver = MachineDriver.running(capacity: 1)
        _ = driver.polls(jobs)
        _ = driver.reserves([jobs[0].id])
        var notices = driver.happens(.tokens(asked: [jobs[0].id], .failure(.lost))).notices
        #expect(notices.map(\.text) == ["Stack stack: waiting: Buildkite issues no token at the moment"])
        while driver.now < .seconds(25) {
            let wishes = driver.passes(.milliseconds(100))
            notices += wishes.notices
            for ids in wishes.tokens { notices += driver.happens(.tokens(asked: ids, .failure(.lost))).notices }
            if !wishes.polls.isEmpty { notices += driver.polls([jobs[1]], next: "more").notices }
        }
        #expect(notices.count == 1)
        // It is given back for it, and those that are listed wait for the same.
        while driver.now < .seconds(90) {
            let wishes = driver.passes(.milliseconds(100))
            notices += wishes.notices
            for ids in wishes.givenBack { notices += driver.happens(.gaveBack(ids, nil)).notices }
            for ids in wishes.reserved { notices += driver.reserves(ids).notices }
            for ids in wishes.tokens { notices += driver.happens(.tokens(asked: ids, .failure(.lost))).notices }
            if !wishes.polls.isEmpty { notices += driver.polls(Array(jobs[1...])).notices }
        }
        #expect(notices.contains { $0.id == jobs[0].id && $0.text.hasSuffix("Buildkite issued no token for it") })
        #expect(notices.count { $0.id == jobs[2].id && $0.text.contains("issues no token at the moment") } == 1)
    }

    @Test("nothing twice of a job that is listed for hours")
    func hours() {
        var driver = MachineDriver.running(capacity: 1)
        var notices = driver.polls(jobs).notices
        #expect(notices.count == 2)
        while driver.now < .seconds(30_000) {
            driver.jumps(to: driver.now + .seconds(200))
            driver.waitsForPoll()
            notices = driver.polls([jobs[1]], next: "more").notices
            #expect(notices.isEmpty)
        }
    }

    @Test("notices are remembered for a bounded number of jobs, and longest for those that are listed")
    func bounded() {
        var driver = MachineDriver.running(capacity: 1)
        let first = driver.polls([.number(0), .number(1)]).notices.map(\.id)
        #expect(first == [ScheduledJob.number(1).id])
        for start in stride(from: 2, to: 60_002, by: 1000) {
            driver.waitsForPoll()
            let page = [ScheduledJob.number(1)] + ScheduledJob.numbers(start..<(start + 1000))
            #expect(driver.polls(page).notices.allSatisfy { $0.id != ScheduledJob.number(1).id })
            #expect(driver.machine.shared.notices.count <= Notices.maximumJobs)
        }
    }

    @Test("a launcher's message is shown on one line, cropped to what fits", arguments: [10, 1_000_000])
    func hostile(length: Int) throws {
        var driver = MachineDriver.running()
        driver.launches([jobs[0]])
        let message = "a\u{1B}[2J\n\u{202E}" + String(repeating: "é", count: length)
        let end = driver.happens(.launcherEnded(jobs[0].id, .unavailable(message)))
        let text = try #require(end.notices.first?.text)
        #expect(text.hasPrefix(#"Stack stack: given back, because nothing can be started right now: a\u{1b}[2J\n"#))
        #expect(text.unicodeScalars.count <= 256)
        #expect(text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x202E })
        driver = .running { $0.stackKey = String(repeating: "k", count: 80) }
        driver.launches([jobs[0]])
        let long = driver.happens(.launcherEnded(jobs[0].id, .unavailable(message))).notices
        #expect(long.count == 1 && long.allSatisfy { $0.text.unicodeScalars.count <= 256 })
    }

    @Test("nothing of jobs that another stack has, in a dry run, or when it is turned off")
    func quiet() {
        var driver = MachineDriver.running()
        _ = driver.polls([jobs[0]])
        let denied = Reservation(reserved: [], notReserved: [jobs[0].id])
        #expect(driver.happens(.reserved(asked: [jobs[0].id], .success(denied))).notices.isEmpty)
        driver = .running(capacity: 1) { $0.isDryRun = true }
        #expect(driver.polls(jobs).notices.isEmpty)
        driver = .running(capacity: 1) { $0.notifiesJobs = false }
        #expect(driver.polls(jobs).notices.isEmpty)
        #expect(driver.reserves([jobs[0].id]).notices.isEmpty)
        #expect(driver.issues([jobs[0].id]).notices.isEmpty)
    }

    // MARK: With a simulated Buildkite

    private func notifications(_ stack: SimulatedStack) -> [[String]] {
        stack.simulator.jobs().map(\.notifications)
    }

    @Test("pages show it, and the last notices are sent before the stack is gone")
    func shown() async throws {
        let stack = try SimulatedStack(capacity: 1) { $0.addJobs(3, queue: "default") }
        try await stack.controller.run()
        #expect(stack.simulator.report.finished == 3)
        for texts in notifications(stack) {
            #expect(texts.suffix(2) == ["Stack stack: reserved", "Stack stack: launching an agent"])
        }
        #expect(notifications(stack).joined().contains { $0.contains("waiting for a slot") })
    }

    @Test("turned off, nothing is asked of Buildkite for it")
    func off() async throws {
        let stack = try SimulatedStack(
            prepare: { $0.addJobs(3, queue: "default") }, configure: { $0.notifiesJobs = false })
        try await stack.controller.run()
        #expect(stack.simulator.report.requests[.createNotifications] == nil)
    }

    @Test(
        "whatever becomes of notifications: every job is run all the same",
        arguments: [
            .refuse(status: .notFound, message: "no such endpoint"), .refuse(status: .tooManyRequests, message: "slow"),
            .html(), .dropResponse, .connectionRefused,
        ] as [SimulatorFault.Action])
    func lost(fault: SimulatorFault.Action) async throws {
        let stack = try SimulatedStack(
            capacity: 3,
            prepare: { simulator in
                simulator.addJobs(10, queue: "default")
                simulator.addFault(SimulatorFault(fault, for: .createNotifications, count: nil))
            })
        try await stack.controller.run()
        #expect(stack.simulator.report.finished == 10)
        #expect(stack.controller.status.totals.finished == 10)
        #expect(stack.controller.status.lastFailure == nil)
    }

    @Test("a Buildkite that does not respond to notifications delays no poll, no reservation and no end")
    func unanswered() async throws {
        let stack = try SimulatedStack(
            capacity: 3,
            prepare: { simulator in
                simulator.addJobs(10, queue: "default")
                let never = SimulatorFault(
                    .delayOnly, for: .createNotifications, count: nil, delay: .seconds(1_000_000_000))
                simulator.addFault(never)
            })
        try await stack.controller.run()
        #expect(stack.simulator.report.finished == 10)
        #expect(stack.simulator.report.requests[.deregisterStack] == 1)
    }
}
