import HTTPTypes
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
            client: client, configuration: StackController.Configuration(stackKey: "k", queue: "q"))
        let event = await calls.make(.queryStates(StateQuery(watched: ["a", "b", "c"], ended: ["a", "d"])))
        guard case .states(let query, .success(let states)) = event else {
            Issue.record("\(event)")
            return
        }
        #expect(query == StateQuery(watched: ["b", "c"], ended: ["d"]))
        #expect(states.states == ["b": .running])
    }
}
