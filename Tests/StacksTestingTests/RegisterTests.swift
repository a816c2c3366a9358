import Foundation
import HTTPTypes
import StacksTesting
import Testing

@Suite("Registering a stack")
struct RegisterTests {
    @Test("a new key gets a 201 and a known one a 200, with every documented member")
    func registers() throws {
        let scenario = Scenario()
        let first = try scenario.register("fleet")
        #expect(first.status == 201)
        #expect(
            first.json.names == [
                "id", "organization_uuid", "cluster_queue_key", "key", "type", "metadata", "last_connected_on", "state",
            ])
        #expect(first.json["key"] == "fleet")
        #expect(first.json["type"] == "custom")
        #expect(first.json["last_connected_on"] == nil)
        let second = try scenario.register("fleet")
        #expect(second.status == 200)
        #expect(second.json["id"] == first.json["id"])
    }

    @Test(
        "both names of the default queue and its own key are accepted", arguments: ["_default", "__default__", "mac"])
    func defaultQueue(name: String) throws {
        let scenario = Scenario { $0.organizations = [.init(queues: ["mac", "linux"])] }
        #expect(try scenario.register("fleet", queue: name).json["cluster_queue_key"] == "mac")
    }

    @Test("registering again moves the stack to the new queue")
    func moves() throws {
        let scenario = Scenario { $0.organizations = [.init(queues: ["mac", "linux"])] }
        try scenario.register("fleet", queue: "mac")
        #expect(try scenario.register("fleet", queue: "linux").json["cluster_queue_key"] == "linux")
    }

    @Test("metadata is returned")
    func metadata() throws {
        let response = try Scenario().send(
            .post, "stacks/register",
            ["key": "k", "type": "custom", "queue_key": "_default", "metadata": ["version": "1.4", "z": "\"é\n"]]
        )
        #expect(response.json["metadata"] == ["version": "1.4", "z": "\"é\n"])
    }

    @Test("a stack is connected until 30 seconds have passed without a poll")
    func connection() throws {
        let scenario = try Scenario.registered()
        scenario.clock.advance(by: .seconds(20))
        _ = try scenario.list()
        scenario.clock.advance(by: .seconds(30))
        #expect(scenario.simulator.stack("s")?.isConnected == true)
        scenario.clock.advance(by: .seconds(1))
        #expect(scenario.simulator.stack("s")?.isConnected == false)
        #expect(try scenario.register("s").json["last_connected_on"] == "2026-01-01T00:00:20.000Z")
        #expect(scenario.simulator.stack("s")?.isConnected == true)
    }

    @Test("beyond the organization's limit of stacks, registering gets a 403; de-registering lowers the count")
    func stackLimit() throws {
        let scenario = Scenario { $0.organizations[0].stackLimit = 1 }
        #expect(try scenario.register("a").status == 201)
        #expect(try scenario.register("b").status == 403)
        #expect(try scenario.register("a").status == 200)
        #expect(try scenario.send(.post, "stacks/a/deregister").status == 204)
        #expect(try scenario.register("b").status == 201)
    }

    @Test(
        "keys are 1 to 80 letters, digits, _ and -",
        arguments: [
            ("a", 201), (String(repeating: "k", count: 80), 201), ("A-z_09", 201), ("", 422),
            (String(repeating: "k", count: 81), 422), ("a.b", 422), ("a b", 422), ("é", 422),
        ])
    func keys(key: String, status: Int) throws {
        #expect(try Scenario().register(key).status == status)
    }

    @Test("metadata has at most 100 keys of 64 and values of 256 characters")
    func metadataLimits() throws {
        func status(_ metadata: [String: String]) throws -> Int {
            try Scenario().send(
                .post, "stacks/register",
                [
                    "key": "k", "type": "custom", "queue_key": "_default",
                    "metadata": .object(metadata.mapValues(JSON.string)),
                ]
            ).status
        }
        func many(_ count: Int) -> [String: String] {
            Dictionary(uniqueKeysWithValues: (0..<count).map { ("k\($0)", "") })
        }
        #expect(try status(many(100)) == 201)
        #expect(try status(many(101)) == 422)
        #expect(try status([String(repeating: "k", count: 64): String(repeating: "v", count: 256)]) == 201)
        #expect(try status([String(repeating: "k", count: 65): ""]) == 422)
        #expect(try status(["k": String(repeating: "v", count: 257)]) == 422)
        // A grapheme of two scalars counts as two characters.
        #expect(try status(["k": String(repeating: "e\u{301}", count: 128)]) == 201)
        #expect(try status(["k": String(repeating: "e\u{301}", count: 129)]) == 422)
        #expect(try status([String(repeating: "e\u{301}", count: 33): ""]) == 422)
    }

    @Test("an unknown type gets a 422, an unknown queue a 404, and missing members are named")
    func refusals() throws {
        let scenario = Scenario()
        #expect(
            try scenario.send(
                .post, "stacks/register", ["key": "k", "type": "mine", "queue_key": "_default", "metadata": [:]]
            ).status == 422)
        #expect(try scenario.register("k", queue: "nowhere").status == 404)
        let response = try scenario.send(.post, "stacks/register", ["key": "k", "type": "custom", "metadata": [:]])
        #expect(response.status == 400)
        #expect(response.message.contains("queue_key"))
    }

    @Test("de-registering gets a 204 without a body, also twice, and other calls no longer find the stack")
    func deregister() throws {
        let scenario = try Scenario.registered()
        let response = try scenario.send(.post, "stacks/s/deregister")
        #expect(response.status == 204)
        #expect(response.body.isEmpty)
        #expect(try scenario.send(.post, "stacks/s/deregister").status == 204)
        #expect(try scenario.list().status == 404)
        #expect(try scenario.send(.post, "stacks/never/deregister").status == 404)
        #expect(try scenario.register("s").status == 201)
    }
}
