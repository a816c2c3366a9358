import Foundation
import HTTPTypes
import StacksTesting
import StacksTransport
import Testing

@Suite("What jobs store: meta-data, annotations, artifacts")
struct StoredDataTests {
    // MARK: Meta-data

    @Test("meta-data is the build's: a job sets it, and reads it by its own path and by the build's")
    func metaData() throws {
        let agent = try AgentScenario()
        let token = try agent.running()
        let build = try #require(try agent.current().listing.buildUUID)
        #expect(try agent.send(.post, "data/set", ["key": "release", "value": "1.2"], token: token).status == 200)
        let batch: JSON = ["items": [["key": "a", "value": "1"], ["key": "b"], ["key": "a", "value": "2"]]]
        #expect(try agent.send(.post, "data/set-batch", batch, token: token).status == 200)
        for path in ["jobs/\(agent.job)", "builds/\(build)"] {
            func ask(_ action: String, _ key: String) throws -> Scenario.Response {
                try agent.scenario.send(.post, "\(path)/data/\(action)", ["key": .string(key)], token: token)
            }
            #expect(try ask("get", "release").json == ["key": "release", "value": "1.2"])
            #expect(try ask("get", "none").status == 404)
            #expect(try ask("exists", "a").json == ["exists": true])
            #expect(try ask("exists", "none").json == ["exists": false])
            #expect(try agent.scenario.send(.post, "\(path)/data/keys", token: token).json == ["a", "b", "release"])
        }
        #expect(try agent.current().metaData == ["release": "1.2", "a": "2", "b": ""])
    }

    @Test("a batch with a bad item sets nothing")
    func batch() throws {
        let agent = try AgentScenario()
        let items: JSON = ["items": [["key": "a", "value": "1"], ["key": ""]]]
        let response = try agent.send(.post, "data/set-batch", items, token: try agent.running())
        #expect(response.status == 422)
        #expect(response.message == "items.1.key must not be empty.")
        #expect(try agent.current().metaData.isEmpty)
    }

    @Test("another build's meta-data is not there")
    func otherBuild() throws {
        let agent = try AgentScenario()
        let token = try agent.running()
        let other = agent.simulator.addJobs(1)[0]
        let build = try #require(agent.simulator.job(other)?.listing.buildUUID)
        #expect(try agent.scenario.send(.post, "builds/\(build)/data/get", ["key": "a"], token: token).status == 404)
        try agent.send(.post, "data/set", ["key": "a", "value": "1"], token: token)
        #expect(agent.simulator.job(other)?.metaData == [:])
    }

    // MARK: Annotations

    @Test("an annotation is replaced by its context, appended to, and deleted")
    func annotations() throws {
        let agent = try AgentScenario()
        let token = try agent.running()
        func annotate(_ body: JSON) throws -> Int { try agent.send(.post, "annotations", body, token: token).status }
        #expect(try annotate(["body": "first", "style": "info", "context": "lint"]) == 201)
        #expect(try annotate(["body": "second", "style": "error", "context": "lint"]) == 201)
        #expect(try annotate(["body": ", third", "context": "lint", "append": true]) == 201)
        #expect(try annotate(["body": "mine", "context": "lint", "scope": "job", "priority": 9]) == 201)
        #expect(try annotate(["body": "other"]) == 201)
        #expect(
            try agent.current().annotations == [
                .init(context: "lint", body: "mine", style: nil, priority: 9, job: agent.job),
                .init(context: "default", body: "other", style: nil, priority: 3, job: nil),
                .init(context: "lint", body: "second, third", style: "error", priority: 3, job: nil),
            ])
        #expect(try agent.send(.delete, "annotations/lint?scope=build", token: token).status == 204)
        #expect(try agent.send(.delete, "annotations/lint", token: token).status == 404)
        #expect(try agent.current().annotations.map(\.body) == ["mine", "other"])
    }

    // MARK: Artifacts

    @Test("artifacts are created, uploaded, and found when they are finished")
    func artifacts() throws {
        let agent = try AgentScenario()
        let token = try agent.running()
        let build = try #require(try agent.current().listing.buildUUID)
        let files = ["log/test.txt", "log/deep/a.txt", "app.ipa"]
        let response = try agent.send(
            .post, "artifacts",
            [
                "id": "x", "upload_destination": "",
                "artifacts": .array(
                    files.map { path in
                        [
                            "path": .string(path), "absolute_path": "/tmp/x", "glob_path": "**", "file_size": 5,
                            "sha1sum": "da39a3ee5e6b4b0d3255bfef95601890afd80709",
                        ]
                    }),
            ], token: token)
        #expect(response.status == 201)
        let ids = response.json["artifact_ids"].elements.compactMap(\.text)
        #expect(Set(ids).count == 3)
        let action = response.json["upload_instructions"]["action"]
        #expect(action["url"] == "https://agent.buildkite.com")
        let path = try #require(action["path"].text)
        #expect(
            try agent.scenario.send(.post, String(path.dropFirst("/v3/".count)), raw: "any", token: "none").status
                == 204)
        func search(_ query: String) throws -> [String] {
            try agent.scenario.send(.get, "builds/\(build)/artifacts/search?\(query)", token: token).json
                .elements.compactMap { $0["path"].text }
        }
        #expect(try search("query=*") == [])
        let finished: JSON = ["artifacts": .array(ids.dropLast().map { ["id": .string($0), "state": "finished"] })]
        #expect(try agent.send(.put, "artifacts", finished, token: token).status == 200)
        #expect(try search("query=*") == ["log/test.txt", "log/deep/a.txt"])
        #expect(try search("query=log%2F**%2Fa.t%3Ft&scope=\(agent.job)") == ["log/deep/a.txt"])
        #expect(try search("query=*&state=new") == ["app.ipa"])
        #expect(try search("query=*&scope=another") == [])
        #expect(try agent.current().artifacts.map(\.path) == files)
        #expect(try agent.current().artifacts.map(\.state) == ["finished", "finished", "new"])
    }

    @Test("a pattern takes no more time than its length times the path's, whatever it is")
    func patterns() throws {
        let agent = try AgentScenario()
        let token = try agent.running()
        let build = try #require(try agent.current().listing.buildUUID)
        let path = String(repeating: "a", count: 1024)
        let artifacts: JSON = [
            "artifacts": .array(Array(repeating: ["path": .string(path), "file_size": 1], count: 100))
        ]
        try agent.send(.post, "artifacts", artifacts, token: token)
        let pattern = String(repeating: "*a", count: 127) + "*b"
        let response = try agent.scenario.send(
            .get, "builds/\(build)/artifacts/search?state=new&query=\(pattern)", token: token)
        #expect(response.json == [])
        let all = try agent.scenario.send(.get, "builds/\(build)/artifacts/search?state=new", token: token)
        #expect(all.json.elements.count == 100)
    }

    // MARK: Limits

    @Test("a build keeps no more than its limit, and what is replaced or deleted makes room")
    func limit() throws {
        let agent = try AgentScenario { $0.agents.buildDataLimit = 10_000 }
        let token = try agent.running()
        let text = JSON.string(String(repeating: "x", count: 4000))
        func set(_ key: String) throws -> Int {
            try agent.send(.post, "data/set", ["key": .string(key), "value": text], token: token).status
        }
        for _ in 0..<10 { #expect(try set("a") == 200) }
        #expect(try set("b") == 200)
        #expect(try set("c") == 422)
        #expect(try agent.send(.post, "annotations", ["body": text], token: token).status == 422)
        #expect(try agent.send(.post, "data/set", ["key": "a", "value": ""], token: token).status == 200)
        #expect(try agent.send(.post, "annotations", ["body": text], token: token).status == 201)
        #expect(try set("c") == 422)
        try agent.send(.delete, "annotations/default", token: token)
        #expect(try set("c") == 200)
    }
}
