import HTTPTypes
import Logging
import StacksTesting
import StacksTransport
import Testing

@testable import StacksAPI
@testable import StacksController

@Suite("States that cannot be decoded")
struct UnreadableStateTests {
    @Test("a job whose state cannot be decoded counts as one without a response, not as one that is gone")
    func isNotGone() async throws {
        let transport = InMemoryTransport { _ in
            TransportResponse(status: .ok, body: Array(#"{"states":{"a":7,"b":"running"}}"#.utf8))
        }
        let client = try StacksClient(token: "bkct_none", transport: transport)
        let calls = ControllerCalls(
            client: client, configuration: StackController.Configuration(stackKey: "k", queue: "q"),
            time: ControllerTime(ContinuousClock()))
        let jobs: [JobID] = ["a", "b", "c"]
        var driver = MachineDriver(capacity: 3)
        _ = driver.happens(.begin(recovered: jobs))
        let wishes = driver.happens(await calls.make(.queryStates(StateQuery(watched: jobs))))
        #expect(jobs.map { driver.machine.ledger[$0]?.isMissing } == [false, false, true])
        #expect(driver.machine.ledger["b"]?.stage == .started)
        #expect(wishes.logged("Buildkite no longer knows the job", at: .warning) == 1)
    }

    @Test("a job whose launcher has ended is let go of when its state cannot be decoded twice in a row")
    func isLetGo() async throws {
        let job = ScheduledJob.number(1)
        let transport = InMemoryTransport { _ in
            TransportResponse(status: .ok, body: Array(#"{"states":{"\#(job.id)":7}}"#.utf8))
        }
        let client = try StacksClient(token: "bkct_none", transport: transport)
        let calls = ControllerCalls(
            client: client, configuration: StackController.Configuration(stackKey: "k", queue: "q"),
            time: ControllerTime(ContinuousClock()))
        var driver = MachineDriver.running()
        driver.launches([job])
        var wishes = driver.happens(.launcherEnded(job.id, .exited(JobExit(status: 1))))
        var requests = 0
        while driver.machine.ledger.returning.isEmpty, driver.now < .seconds(20) {
            guard let query = wishes.queries.first else {
                wishes = driver.passes(.milliseconds(100))
                continue
            }
            requests += 1
            wishes = driver.happens(await calls.make(.queryStates(query)))
        }
        #expect(wishes.givenBack == [[job.id]])
        #expect(wishes.logged("the job's state cannot be read", at: .warning) == 1)
        #expect(requests == 2)
        #expect(driver.now < .seconds(2))
    }
}
