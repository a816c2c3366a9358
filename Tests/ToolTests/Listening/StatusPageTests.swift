import Foundation
import TestServers
import Testing

/// The page, as a real browser shows it.
@Suite(
    "The status page", .timeLimit(.minutes(5)),
    .enabled(if: Browser.path != nil, Browser.missing))
struct StatusPageTests {
    /// When the page shows a job.
    private static let isShown = "document.querySelector('tr.job') !== null"

    @Test("it shows what runs, what waits and why, in words")
    func shows() async throws {
        try await SimulatedWorld.run { world in
            try await withGate { gate in
                _ = try await world.addJobs(
                    1,
                    ["pipeline": ["slug": "web"], "build": ["number": 12, "branch": "main"], "step": ["key": "test"]])
                let command = ["bash", "-c", gate.agent, Checkout.demoAgent.path]
                try await ListeningRun.during(world, ["--max-in-flight", "1"], command: command) { run in
                    try await gate.waitUntilStarted()
                    _ = try await world.addJobs(2)
                    try await run.status { status in
                        let stack = (status["stacks"] as? [[String: Any]])?.first
                        return (stack?["jobs"] as? [String: Any])?["waiting"] as? Int ?? 0 > 0
                    }
                    let page = try await run.page(once: Self.isShown)
                    for text in [
                        "runner", "web #12", "main", "test", "Nothing is started: every slot is taken.", "wait",
                    ] {
                        #expect(page.contains(text), "\(text)")
                    }
                    #expect(page.contains("<p id=\"lost\" role=\"alert\" hidden"))
                    try gate.open()
                }
            }
        }
    }

    @Test("what a pipeline puts into a job's fields is text on it")
    func hostileFields() async throws {
        try await SimulatedWorld.run { world in
            let markup = #"<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>"#
            let hidden = "\u{202e}gnp.exe\u{1b}[31m\u{200b}\nline"
            _ = try await world.addJobs(
                1,
                [
                    "pipeline": ["slug": markup], "build": ["number": 1, "branch": hidden],
                    "step": ["key": "'\"><svg onload=alert(1)>"],
                    "agent_query_rules": ["a=</script><script>document.title='owned'</script>"],
                ])
            try await withGate { gate in
                let options = ["--tag", "a=*"]
                let command = ["bash", "-c", gate.agent, Checkout.demoAgent.path]
                try await ListeningRun.during(world, options, command: command) { run in
                    try await gate.waitUntilStarted()
                    let answer = try await run.get("/status")
                    let known = try #require(answer.objects("jobs").first)
                    #expect(known["branch"] as? String == hidden && known["pipeline"] as? String == markup)
                    // Whoever prints the document sees no control character.
                    #expect(answer.body.dropLast().utf8.allSatisfy { $0 >= 0x20 } && !answer.body.contains("\u{202e}"))
                    let page = try await run.page(once: Self.isShown)
                    #expect(page.contains("&lt;img src=x onerror="))
                    #expect(page.contains(#"\u{202e}gnp.exe\u{1b}[31m\u{200b}\u{a}line"#))
                    #expect(!page.contains("<img") && !page.contains("owned</title>"))
                    #expect(page.components(separatedBy: "<script").count == 2)
                    try gate.open()
                }
            }
        }
    }
}
