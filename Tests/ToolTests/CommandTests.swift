import Foundation
import Testing

/// What each command prints, in both forms.
@Suite("Commands", .timeLimit(.minutes(5)))
struct CommandTests {
    @Test("every command answers in both forms, whatever carries it", arguments: Wire.allCases)
    func bothForms(wire: Wire) async throws {
        try await SimulatedWorld.run(over: wire) { world in
            let jobs = try await world.addJobs(3)
            let (queue, stack) = (["--queue", "default"], ["--stack", "mac-fleet"])
            let commands: [(arguments: [String], members: Set<String>)] = [
                (["whoami"], ["uuid", "token_type", "organization_slug", "cluster_uuid"]),
                (["register", "--key", "mac-fleet"] + queue, ["id", "key", "state", "cluster_queue_key"]),
                (["list"] + stack + queue, ["jobs", "page_info", "cluster_queue"]),
                (["get"] + stack + [jobs[0]], ["id", "env", "command"]),
                (["notify"] + stack + [jobs[0], "hello"], ["errors"]),
                (["reserve"] + stack + jobs, ["reserved", "not_reserved"]),
                (["states"] + stack + jobs, ["states"]),
                (["tokens"] + stack + jobs, ["job_acquisition_tokens", "not_issued"]),
                (["deregister", "--key", "mac-fleet"], []),
            ]
            for (arguments, members) in commands {
                let table = try await world.stacksctl(arguments)
                #expect(table.status == 0 && !table.lines.isEmpty, "\(arguments): \(table.errors)")
                let json = try await world.stacksctl(arguments + ["--output", "json", "--headers"])
                try #require(json.status == 0, "\(arguments): \(json.errors)")
                let document = try json.document()
                #expect(members.isSubset(of: document.keys), "\(arguments)")
                #expect((document["headers"] as? [String: String])?.isEmpty == false)
            }
            // A job is finished once, so each form needs its own.
            for (job, form) in zip(jobs, ["table", "json"]) {
                _ = try await world.table("register", "--key", "mac-fleet", "--queue", "default")
                let run = try await world.stacksctl(["finish"] + stack + [job, "--detail", "x", "--output", form])
                #expect(run.status == 0 && !run.output.isEmpty, "\(run.errors)")
            }
        }
    }

    @Test("register shows the stack; registering again updates it")
    func register() async throws {
        try await SimulatedWorld.run { world in
            let lines = try await world.table(
                "register", "--key", "mac-fleet", "--queue", "default", "--metadata", "site=Zürich"
            )
            #expect(lines.contains("key             mac-fleet"))
            #expect(lines.contains("queue           default"))
            #expect(lines.contains("metadata site   Zürich"))
            let again = try await world.json("register", "--key", "mac-fleet", "--queue", "-")
            #expect(again["metadata"] as? [String: String] == [:])
            #expect(
                Set(again.keys) == [
                    "id", "organization_uuid", "cluster_queue_key", "key", "type", "metadata", "last_connected_on",
                    "state",
                ]
            )
        }
    }

    @Test("list aligns its columns and says that more follow, and how to get it")
    func listTable() async throws {
        try await SimulatedWorld.run { world in
            try await world.register()
            #expect(
                try await world.table("list", "--stack", "mac-fleet", "--queue", "default") == ["No scheduled jobs."]
            )
            let jobs = try await world.addJobs(3, ["priority": -5, "agent_query_rules": ["os=linux"]])
            let lines = try await world.table("list", "--stack", "mac-fleet", "--queue", "default", "--limit", "2")
            try #require(lines.count == 5)
            #expect(lines[0].hasPrefix("JOB  ") && lines[0].hasSuffix("RULES"))
            #expect(lines[1].hasPrefix("\(jobs[0])        -5  20"))
            #expect(lines[2].hasPrefix(jobs[1]))
            #expect(lines[1].contains("os=linux"))
            let cursor = try #require(lines[4].split(separator: " ").last)
            #expect(lines[4] == "More follow: --after \(cursor)")
            let rest = try await world.table(
                "list", "--stack", "mac-fleet", "--queue", "default", "--after", String(cursor)
            )
            #expect(rest.count == 2 && rest[1].hasPrefix(jobs[2]))
        }
    }

    @Test("list --all joins the pages into one document")
    func listAll() async throws {
        try await SimulatedWorld.run { world in
            try await world.register()
            let jobs = try await world.addJobs(7)
            let all = try await world.json(
                "list", "--stack", "mac-fleet", "--queue", "default", "--all", "--limit", "3", "--headers"
            )
            #expect((all["jobs"] as? [[String: Any]])?.map { $0["id"] as? String } == jobs)
            #expect((all["page_info"] as? [String: Any])?["has_next_page"] as? Bool == false)
            #expect((all["headers"] as? [String: String])?["ratelimit-scope"] == "list-scheduled-jobs")
        }
    }

    @Test("list says that the queue is paused")
    func listPaused() async throws {
        try await SimulatedWorld.run(over: .curlHTTP1, ["--paused", "--jobs", "1"]) { world in
            try await world.register()
            let page = try await world.json("list", "--stack", "mac-fleet", "--queue", "default")
            #expect((page["cluster_queue"] as? [String: Any])?["dispatch_paused"] as? Bool == true)
            let lines = try await world.table("list", "--stack", "mac-fleet", "--queue", "default")
            #expect(lines.last == "The queue is paused: no job may be started.")
        }
    }

    @Test("get hides the environment's values in both forms unless they are asked for")
    func get() async throws {
        try await SimulatedWorld.run { world in
            try await world.register()
            let job = try await world.addJobs(1, ["env": ["A_KEY": "hide-me"], "command": "make\nall"])[0]
            let hidden = try await world.json("get", "--stack", "mac-fleet", job)
            #expect((hidden["env"] as? [String: Any])?["A_KEY"] is NSNull)
            #expect(hidden["command"] as? String == "make\nall")
            let table = try await world.table("get", "--stack", "mac-fleet", job)
            #expect(table.contains("command  make\\nall") && table.contains("A_KEY"))
            #expect(!table.joined().contains("hide-me"))
            let shown = try await world.json("get", "--stack", "mac-fleet", job, "--show-values")
            #expect((shown["env"] as? [String: String])?["A_KEY"] == "hide-me")
            let shownTable = try await world.table("get", "--stack", "mac-fleet", job, "--show-values")
            #expect(shownTable.contains { $0.hasPrefix("A_KEY") && $0.hasSuffix("hide-me") })
        }
    }

    @Test("reserve, states and tokens read UUIDs from stdin, more than one request can hold")
    func manyJobsFromStdin() async throws {
        try await SimulatedWorld.run(over: .curlHTTP1, ["--jobs", "0"]) { world in
            try await world.register()
            let jobs = try await world.addJobs(1500)
            let input = jobs.joined(separator: "\n") + "\n"
            let reservation = try await world.json("reserve", "--stack", "mac-fleet", "-", input: input)
            #expect(reservation["reserved"] as? [String] == jobs)
            let states = try await world.json("states", "--stack", "mac-fleet", "-", input: input)
            #expect((states["states"] as? [String: String])?.count == 1500)
            let tokens = try await world.json("tokens", "--stack", "mac-fleet", "-", input: input)
            #expect((tokens["job_acquisition_tokens"] as? [[String: Any]])?.count == 1500)
            #expect((tokens["not_issued"] as? [String]) == [])
        }
    }

    @Test("states shows a job that the server does not know, and leaves it out of the JSON")
    func unknownJob() async throws {
        try await SimulatedWorld.run { world in
            try await world.register()
            let job = try await world.addJobs()[0]
            let unknown = "01890f5e-3b7c-7d14-9c0b-2f6a3d1e8b55"
            let lines = try await world.table("states", "--stack", "mac-fleet", unknown, job)
            #expect(
                lines == [
                    "JOB                                   STATE",
                    "\(unknown)  unknown to the server",
                    "\(job)  scheduled",
                ]
            )
            let states = try await world.json("states", "--stack", "mac-fleet", unknown, job)
            #expect(states["states"] as? [String: String] == [job: "scheduled"])
        }
    }

    @Test("tokens are shown with when they expire, and so are jobs that got none")
    func tokens() async throws {
        try await SimulatedWorld.run { world in
            try await world.register()
            let jobs = try await world.addJobs(2)
            _ = try await world.json("reserve", "--stack", "mac-fleet", jobs[0])
            let lines = try await world.table("tokens", "--stack", "mac-fleet", jobs[0], jobs[1])
            try #require(lines.count == 3)
            #expect(lines[1].hasPrefix("\(jobs[0])  bkjat_") && lines[1].hasSuffix("Z"))
            #expect(lines[2].hasPrefix("\(jobs[1])  not issued") && lines[2].hasSuffix("-"))
        }
    }

    @Test("finish sends an exit status of 0 as 0, and -1 when none is given")
    func finish() async throws {
        try await SimulatedWorld.run { world in
            try await world.register()
            let jobs = try await world.addJobs(2)
            _ = try await world.json("reserve", "--stack", "mac-fleet", jobs[0], jobs[1])
            let empty = try await world.json(
                "finish", "--stack", "mac-fleet", jobs[0], "--detail", "done", "--exit-status", "0"
            )
            #expect(empty.isEmpty)
            _ = try await world.table("finish", "--stack", "mac-fleet", jobs[1], "--detail", "-no-")
            #expect(try await world.control("jobs/\(jobs[0])")["exit_status"] as? Int == 0)
            #expect(try await world.control("jobs/\(jobs[1])")["exit_status"] as? Int == -1)
            #expect(try await world.control("jobs/\(jobs[1])")["detail"] as? String == "-no-")
        }
    }

    @Test("notify says what the server did not take, and fails")
    func notify() async throws {
        try await SimulatedWorld.run { world in
            try await world.register()
            let job = try await world.addJobs()[0]
            let taken = try await world.json("notify", "--stack", "mac-fleet", job, "queued")
            #expect((taken["errors"] as? [Any])?.isEmpty == true)
            let refused = try await world.stacksctl(
                "notify", "--stack", "mac-fleet", job, "too early", "--timestamp", "2001-01-01T00:00:00Z"
            )
            #expect(refused.status == 1)
            #expect(refused.output == "")
            #expect(refused.errors.hasPrefix("stacksctl: the server rejected the notification: "))
        }
    }

    @Test("whoami shows the token's identity, and not the token")
    func whoami() async throws {
        try await SimulatedWorld.run { world in
            let identity = try await world.json("whoami")
            #expect(identity["organization_slug"] as? String == "acme")
            #expect(
                Set(identity.keys) == [
                    "uuid", "description", "token_type", "organization_slug", "organization_uuid", "cluster_uuid",
                    "cluster_name", "organization_queue_uuid", "organization_queue_key",
                ]
            )
            let lines = try await world.table("whoami", "--headers")
            #expect(lines.contains { $0.hasPrefix("organization ") && $0.hasSuffix(" acme") })
            #expect(lines.contains { $0.hasPrefix("HEADER") })
        }
    }

    @Test("the global options may stand before the subcommand and after it")
    func optionsAnywhere() async throws {
        try await SimulatedWorld.run { world in
            let before = try await world.stacksctl("--output", "json", "whoami")
            let after = try await world.stacksctl("whoami", "--output", "json")
            #expect(before.status == 0 && before.output == after.output)
        }
    }

    @Test("--version is the library's version")
    func version() async throws {
        let run = try await ToolRun.stacksctl(["--version"])
        #expect(run.status == 0)
        #expect(run.lines.count == 1 && run.lines[0].wholeMatch(of: /\d+\.\d+\.\d+/) != nil)
    }

    @Test(
        "every command has a help text with an example",
        arguments: [
            "register", "deregister", "list", "get", "reserve", "states", "tokens", "finish", "notify", "whoami", "run",
        ]
    )
    func help(command: String) async throws {
        let run = try await ToolRun.stacksctl(["help", command])
        #expect(run.status == 0)
        #expect(run.output.contains("EXAMPLE"))
        #expect(run.output.contains("  stacksctl \(command)"))
    }
}
