import HTTPTypes
import Logging
import StacksTransport
import Testing

@testable import StacksAPI
@testable import StacksController

@Suite("Whose word is believed")
struct RefusalTests {
    private let job = ScheduledJob.number(1)
    private let forbidden = CallFailure(.forbidden, message: "not allowed")

    private static func failure(_ status: Int, says message: String?) -> CallFailure {
        let status = HTTPResponse.Status(code: status)
        return CallFailure(
            StacksAPIError(
                code: .init(status), operation: .scheduledJobs, status: status,
                message: "The server answered \(status.code).",
                serverMessage: message))
    }

    @Test(
        "a refusal by the API, JSON with a message, is final; a refusal by a proxy passes",
        arguments: [
            (401, .unauthorized), (403, .forbidden), (404, .notFound), (400, .rejected), (422, .rejected),
        ] as [(Int, CallFailure.Kind)])
    func classification(_ status: Int, _ kind: CallFailure.Kind) {
        #expect(Self.failure(status, says: "no").kind == kind)
        #expect(Self.failure(status, says: nil).kind == .transient)
    }

    @Test("a 429 counts as one whoever sends it, and everything else passes", arguments: ["slow", nil])
    func others(_ message: String?) {
        #expect(Self.failure(429, says: message).kind == .rateLimited)
        for status in [301, 302, 407, 413, 500, 502, 503, 504] {
            #expect(Self.failure(status, says: message).kind == .transient, "\(status)")
        }
        #expect(CallFailure(StacksAPIError(code: .invalidArgument, message: "no")).kind == .rejected)
    }

    @Test("pages of a proxy are waited out, however long they come", arguments: [401, 403, 404])
    func proxy(_ status: Int) {
        var driver = MachineDriver.running()
        driver.launches([job])
        let page = Self.failure(status, says: nil)
        for _ in 0..<50 {
            let wishes = driver.passes(.seconds(120))
            #expect(wishes.registers == 0 && wishes.stopped.isEmpty)
            for query in wishes.queries { _ = driver.happens(.states(query, .failure(page))) }
            _ = driver.happens(.polled(.failure(page)))
        }
        #expect(driver.machine.phase == .running)
        #expect(driver.machine.status(at: driver.now).idleReason == .unreachable)
        #expect(driver.machine.status(at: driver.now).lastFailure?.contains("\(status)") == true)
        driver.waitsForPoll()
        #expect(driver.polls([]).logged("Polls succeed again") == 1)
        #expect(driver.machine.status(at: driver.now).idleReason != .unreachable)
    }

    @Test("a 401 of the API ends it at once")
    func unauthorized() {
        var driver = MachineDriver.running()
        #expect(driver.happens(.polled(.failure(Self.failure(401, says: "invalid")))).error?.code == .unauthorized)
    }

    @Test("a 403 that is repeated after a pause ends it; one that is over by then does not")
    func forbiddenTwice() {
        var driver = MachineDriver.running()
        #expect(!driver.happens(.polled(.failure(forbidden))).hasEnded)
        driver.waitsForPoll()
        _ = driver.polls([])
        driver.waitsForPoll()
        let first = driver.now
        #expect(!driver.happens(.polled(.failure(forbidden))).hasEnded)
        for _ in 0..<10 where driver.machine.fatal == nil {
            driver.waitsForPoll()
            _ = driver.happens(.polled(.failure(forbidden)))
            #expect((driver.machine.fatal != nil) == (driver.now - first >= Refusals.pause))
        }
        #expect(driver.machine.fatal?.code == .refused)
    }

    @Test("a queue that is gone for less than the pause is not gone")
    func briefly() {
        var driver = MachineDriver.running()
        var refused = 0
        while driver.now < .seconds(4) {
            let wishes =
                refused == 0 ? Wishes([.request(.poll(limit: 1, after: nil))]) : driver.passes(.milliseconds(100))
            guard !wishes.polls.isEmpty else { continue }
            refused += 1
            let answer = driver.happens(.polled(.failure(.notFound)))
            if answer.registers == 1 { _ = driver.happens(.registered(.success(MachineDriver.stack()))) }
        }
        #expect(refused > 1)
        #expect(driver.machine.phase == .running)
        driver.waitsForPoll()
        _ = driver.polls([])
        #expect(driver.machine.phase == .running)
        // It was one loss of the stack, however often it was said.
        #expect(driver.machine.reregistrations.count == 1)
    }

    @Test("a refusal of long ago says nothing about the next one; refusals that go on do, however far apart")
    func longAgo() {
        var refusals = Refusals()
        let step = Pacing.longestAskedWait
        let later = Duration.seconds(3605)
        let times = [.zero, .seconds(3600), .seconds(3604), later + step, later + step * 3, later + step * 6]
        let believed = times.map { refusals.noteRefusal(of: .reserve, at: $0) }
        #expect(believed == [false, false, false, true, true, false])
    }

    @Test("a call that is refused once and not made for an hour may be refused once more")
    func anHourLater() {
        var driver = MachineDriver.running()
        let asked = driver.polls([job]).reserved.joined()
        _ = driver.happens(.reserved(asked: Array(asked), .failure(forbidden)))
        while driver.now < .seconds(3600) {
            driver.waitsForPoll()
            _ = driver.polls([])
        }
        driver.waitsForPoll()
        #expect(driver.polls([.number(2)]).reserved == [[ScheduledJob.number(2).id]])
        #expect(!driver.happens(.reserved(asked: [ScheduledJob.number(2).id], .failure(forbidden))).hasEnded)
        #expect(driver.machine.fatal == nil)
    }

    // MARK: A single endpoint

    /// Plays a server without an endpoint for tokens, in which these jobs are scheduled.
    private func withoutTokens(_ jobs: [ScheduledJob], for time: Duration, _ driver: inout MachineDriver) -> Wishes {
        let end = driver.now + time
        var all: [ControllerAction] = []
        var reserved: Set<JobID> = []
        var pending = driver.passes(.zero).all + [.request(.poll(limit: 100, after: nil))]
        while driver.now < end {
            all += pending
            var next: [ControllerAction] = []
            for action in pending {
                switch action {
                case .request(.poll): next += driver.polls(jobs.filter { !reserved.contains($0.id) }).all
                case .request(.reserve(let ids)):
                    reserved.formUnion(ids)
                    next += driver.reserves(ids).all
                case .request(.renew(let ids)):
                    next += driver.happens(.renewed(asked: ids, .success(Reservation(reserved: ids)))).all
                case .request(.giveBack(let ids)):
                    reserved.subtract(ids)
                    next += driver.happens(.gaveBack(ids, nil)).all
                case .request(.issueTokens(let ids)):
                    next += driver.happens(.tokens(asked: ids, .failure(.notFound))).all
                default: break
                }
            }
            pending = next.isEmpty ? driver.passes(.milliseconds(100)).all : next
        }
        return Wishes(all)
    }

    @Test(
        "when the endpoint for tokens is missing, that is logged, jobs are given back, and it is retried later")
    func tokens() {
        var driver = MachineDriver.running()
        let jobs = ScheduledJob.numbers(0..<5)
        let wishes = withoutTokens(jobs, for: .seconds(1200), &driver)
        #expect(wishes.registers == 0)
        #expect(wishes.logged("another controller") == 0)
        #expect(wishes.logged("responds with 404 to one kind of request (issue tokens)", at: .error) == 1)
        #expect(Set(wishes.givenBack.flatMap { $0 }) == Set(jobs.map(\.id)))
        #expect(wishes.tokens.count > 5 && wishes.tokens.count < 60)
        // After it is known one job at a time is tried.
        #expect(wishes.reserved.dropFirst(2).allSatisfy { $0.count == 1 })
        #expect(driver.machine.phase == .running)
        #expect(driver.machine.status(at: driver.now).idleReason == .endpointMissing)
    }

    @Test("when the endpoint is back, jobs are launched, and that it is back is logged")
    func tokensAreBack() {
        var driver = MachineDriver.running()
        _ = withoutTokens([job], for: .seconds(30), &driver)
        var launched: [JobID] = []
        var said = 0
        // The list that was requested last has not been received yet.
        var pending = driver.polls([job]).all
        while launched.isEmpty, driver.now < .seconds(600) {
            said += Wishes(pending).logged("The call 'issue tokens' succeeds again")
            launched += Wishes(pending).launched
            var next: [ControllerAction] = []
            for action in pending {
                switch action {
                case .request(.poll): next += driver.polls([job]).all
                case .request(.reserve(let ids)): next += driver.reserves(ids).all
                case .request(.issueTokens(let ids)): next += driver.issues(ids).all
                default: break
                }
            }
            pending = next.isEmpty ? driver.passes(.milliseconds(100)).all : next
        }
        said += Wishes(pending).logged("The call 'issue tokens' succeeds again")
        #expect(launched == [job.id])
        #expect(said == 1)
        #expect(driver.machine.status(at: driver.now).idleReason != .endpointMissing)
    }

    @Test("a 404 while a poll is out needs one that is sent after it, and soon")
    func pollMeanwhile() {
        var driver = MachineDriver.running(capacity: 1) { $0.pollInterval = .seconds(30) }
        _ = driver.polls([job])
        _ = driver.reserves([job.id])
        #expect(driver.passes(.seconds(34)).polls.map(\.limit) == [1])
        _ = driver.happens(.tokens(asked: [job.id], .failure(.notFound)))
        let wishes = driver.polls([]).all + driver.passes(.seconds(1)).all
        #expect(Wishes(wishes).polls.count == 1)
    }

    @Test("a 404 for states and reservations while polls succeed registers nothing and stops nothing")
    func others() {
        var driver = MachineDriver.running(capacity: 2)
        driver.launches([job])
        var wishes: [ControllerAction] = []
        var pending = driver.passes(.zero).all
        while driver.now < .seconds(900) {
            wishes += pending
            var next: [ControllerAction] = []
            for action in pending {
                switch action {
                case .request(.poll): next += driver.polls([.number(2)]).all
                case .request(.reserve(let ids)): next += driver.happens(.reserved(asked: ids, .failure(.notFound))).all
                case .request(.renew(let ids)): next += driver.happens(.renewed(asked: ids, .failure(.notFound))).all
                case .request(.queryStates(let query)): next += driver.happens(.states(query, .failure(.notFound))).all
                default: break
                }
            }
            pending = next.isEmpty ? driver.passes(.milliseconds(100)).all : next
        }
        let all = Wishes(wishes)
        #expect(all.registers == 0)
        #expect(all.stopped.isEmpty)
        for call in ["reserve", "get states"] { #expect(all.logged("one kind of request (\(call))", at: .error) == 1) }
        #expect(all.reserved.count < 60)
        #expect(driver.machine.phase == .running)
        #expect(driver.machine.status(at: driver.now).idleReason == .endpointMissing)
    }
}
