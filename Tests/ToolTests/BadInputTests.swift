import Foundation
import Testing

/// What the tool says to what cannot be done: one clear error, the right exit status, and nothing on stdout.
@Suite("Bad input", .timeLimit(.minutes(5)))
struct BadInputTests {
    /// A command line that must be refused before anything is sent.
    struct Mistake: Sendable, CustomTestStringConvertible {
        var arguments: [String]
        /// What the message must name.
        var named: [String]
        var environment = ["BUILDKITE_AGENT_TOKEN": "bkct_test", "BUILDKITE_AGENT_ENDPOINT": "http://127.0.0.1:9/v3"]

        init(_ arguments: String..., named: String..., token: String? = "bkct_test") {
            self.arguments = arguments
            self.named = named
            environment["BUILDKITE_AGENT_TOKEN"] = token
        }

        var testDescription: String { arguments.map { String($0.prefix(40)) }.joined(separator: " ") }
    }

    static let job = "01890f5e-3b7c-7d14-9c0b-2f6a3d1e8b55"

    @Test(
        "a mistake on the command line is exit status 64, names the value, and sends nothing",
        arguments: [
            Mistake("whoami", named: "BUILDKITE_AGENT_TOKEN", token: nil),
            Mistake("whoami", named: "BUILDKITE_AGENT_TOKEN", token: ""),
            Mistake("whoami", named: "token", token: "bkct_a\u{1}b"),
            Mistake("frobnicate", named: "frobnicate"),
            Mistake("register", "--queue", "-", named: "--key"),
            Mistake("register", "--key", "", "--queue", "-", named: "80"),
            Mistake("register", "--key", "a b", "--queue", "-", named: "a b", "80"),
            Mistake("register", "--key", String(repeating: "k", count: 81), "--queue", "-", named: "81", "80"),
            Mistake("register", "--key", "k", "--queue", "", named: "--queue"),
            Mistake("register", "--key", "k", "--queue", "a\nb", named: "queue"),
            Mistake("register", "--key", "k", "--queue", "-", "--metadata", "nothing", named: "--metadata", "nothing"),
            Mistake("register", "--key", "k", "--queue", "-", "--metadata", "a=1", "--metadata", "a=2", named: "'a'"),
            Mistake(
                "register", "--key", "k", "--queue", "-", "--metadata", "a=" + String(repeating: "v", count: 257),
                named: "257", "256"
            ),
            Mistake("list", "--stack", "k", "--queue", "-", "--limit", "0", named: "0", "1000"),
            Mistake("list", "--stack", "k", "--queue", "-", "--limit", "1001", named: "1001", "1000"),
            Mistake("list", "--stack", "k", "--queue", "-", "--limit", "-5", named: "-5", "1000"),
            Mistake("list", "--stack", "k", "--queue", "-", "--all", "--after", "c", named: "--all", "--after"),
            Mistake("get", "--stack", "k", "", named: "job"),
            Mistake("get", "--stack", "../k", job, named: "../k"),
            Mistake("reserve", "--stack", "k", named: "job"),
            Mistake("reserve", "--stack", "k", "-", named: "stdin"),
            Mistake("reserve", "--stack", "k", "--expiry", "0", job, named: "0", "3600"),
            Mistake("reserve", "--stack", "k", "--expiry", "-5", job, named: "-5", "3600"),
            Mistake("reserve", "--stack", "k", "--expiry", "3601", job, named: "3601", "3600"),
            Mistake("reserve", "--stack", "k", "--expiry", "soon", job, named: "soon"),
            Mistake("tokens", "--stack", "k", "--lifetime", "-5", job, named: "-5", "3600"),
            Mistake("tokens", "--stack", "k", "--lifetime", "3601", job, named: "3601", "3600"),
            Mistake("finish", "--stack", "k", job, named: "--detail"),
            Mistake("finish", "--stack", "k", job, "--detail", "", named: "detail"),
            Mistake("finish", "--stack", "k", job, "--detail", "x", "--exit-status", "one", named: "one"),
            Mistake("notify", "--stack", "k", job, "", named: "detail"),
            Mistake("notify", "--stack", "k", job, "x", "--timestamp", "yesterday", named: "yesterday"),
            Mistake("whoami", "--token", "", named: "--token"),
            Mistake("whoami", "--timeout", "0", named: "--timeout", "'0'", "86400"),
            Mistake("whoami", "--timeout", "-1", named: "--timeout", "'-1'", "86400"),
            Mistake("whoami", "--output", "xml", named: "xml"),
            Mistake("whoami", "--transport", "carrier-pigeon", named: "carrier-pigeon"),
            Mistake("whoami", "--http-version", "3", named: "--http-version"),
            Mistake("whoami", "--ca-file", "/no/such/ca.pem", named: "/no/such/ca.pem"),
            Mistake("whoami", "--transport", "urlsession", "--ca-file", "/etc/hosts", named: "--ca-file"),
            Mistake("whoami", "--transport", "urlsession", "--http-version", "1.1", named: "--http-version"),
            Mistake(
                "whoami", "--base-url", "http://example.com/v3", named: "http://example.com/v3", "--allow-insecure-http"
            ),
            Mistake("whoami", "--base-url", "ftp://127.0.0.1/", named: "ftp"),
            Mistake("whoami", "--base-url", "https://", named: "https://"),
            Mistake("whoami", "--base-url", "https://a b/", named: "base URL"),
            Mistake("run", "--stack", "k", "--queue", "-", named: "command"),
            Mistake("run", "--stack", "k", "--queue", "-", "--max-in-flight", "0", "--", "true", named: "0"),
            Mistake("run", "--stack", "k", "--queue", "-", "--tag", "os", "--", "true", named: "--tag"),
            Mistake("run", "--stack", "k", "--queue", "-", "--max-in-flight", "-5", "--", "true", named: "-5"),
            Mistake("run", "--stack", "k", "--queue", "-", "--poll-interval", "0", "--", "true", named: "'0'", "86400"),
            Mistake(
                "run", "--stack", "k", "--queue", "-", "--launch-failure-exit-status", "0", "--", "true", named: "255"),
            Mistake(
                "run", "--stack", "k", "--queue", "-", "--launch-failure-exit-status", "256", "--", "true", named: "256"
            ),
            Mistake("run", "--stack", "k", "--queue", "-", "--headers", "--", "true", named: "--headers"),
            Mistake("run", "--stack", "a b", "--queue", "-", "--once", "--", "true", named: "a b", "80"),
            Mistake("run", "--stack", "k", "--queue", "a\nb", "--once", "--", "true", named: "queue key"),
            Mistake("run", "--stack", "k", "--queue", "-", "--once", "--", "no-such-agent", named: "no-such-agent"),
            Mistake("run", "--stack", "k", "--queue", "-", "--", "/no/such/agent", "-x", named: "/no/such/agent"),
            Mistake("run", "--stack", "k", "--queue", "-", "--", "/etc/passwd", named: "/etc/passwd", "executable"),
        ]
    )
    func mistakes(mistake: Mistake) async throws {
        let run = try await ToolRun.stacksctl(mistake.arguments, environment: mistake.environment)
        #expect(run.status == 64, "\(run.errors)")
        #expect(run.output == "")
        #expect(!run.errors.contains("127.0.0.1:9"), "nothing is sent: \(run.errors)")
        for named in mistake.named { #expect(run.errors.contains(named), "\(run.errors)") }
        #expect(!run.errors.contains("bkct_test") && !run.errors.contains("bkct_a"))
    }

    @Test(
        "a server that cannot be reached is exit status 1, and the message says why",
        arguments: [
            ("http://127.0.0.1:9/v3", "connect"),
            ("https://no-such-host.invalid/v3", "no-such-host.invalid"),
        ]
    )
    func unreachable(baseURL: String, named: String) async throws {
        for transport in ["curl", "urlsession"] {
            let run = try await ToolRun.stacksctl(
                ["whoami", "--no-retry", "--base-url", baseURL, "--transport", transport],
                environment: ["BUILDKITE_AGENT_TOKEN": "bkct_test"]
            )
            #expect(run.status == 1)
            #expect(run.output == "")
            #expect(run.errors.lowercased().contains(named), "\(run.errors)")
        }
    }

    @Test(
        "what the server says no with is exit status 1, in one line",
        arguments: [
            (["kind": "refuse", "status": "503", "message": "Back soon"], "Back soon"),
            (["kind": "html", "status": "502"], "502"),
            (["kind": "respond", "status": "200", "body": ""], "empty"),
            (["kind": "respond", "status": "200", "body": "[]"], "object"),
            (["kind": "malformed"], "byte"),
            (["kind": "respond", "status": "302"], "302"),
        ]
    )
    func refusals(fault: [String: String], named: String) async throws {
        try await SimulatedWorld.run { world in
            var body: [String: Any] = fault
            body["status"] = fault["status"].flatMap { Int($0) }
            try await world.control("faults", method: "POST", body: body)
            let run = try await world.stacksctl("whoami", "--no-retry")
            #expect(run.status == 1)
            #expect(run.output == "")
            #expect(run.errors.hasPrefix("stacksctl: tokenIdentity: "))
            #expect(run.errors.split(separator: "\n").count == 1)
            #expect(run.errors.lowercased().contains(named.lowercased()), "\(run.errors)")
        }
    }

    @Test("a token that is not accepted, and a stack that is not there, are the server's to say")
    func unknown() async throws {
        try await SimulatedWorld.run { world in
            let strange = try await world.stacksctl("whoami", "--token", "bkct_other")
            #expect(strange.status == 1)
            #expect(strange.errors.split(separator: "\n").count == 1, "\(strange.errors)")
            #expect(!strange.errors.contains("bkct_other"))
            let missing = try await world.stacksctl("list", "--stack", "nobody", "--queue", "default")
            #expect(missing.status == 1)
            #expect(missing.errors.contains("404") || missing.errors.lowercased().contains("not found"))
        }
    }

    @Test("plaintext to another host is sent only when it is allowed")
    func insecure() async throws {
        let arguments = ["whoami", "--no-retry", "--base-url", "http://no-such-host.invalid/v3"]
        let environment = ["BUILDKITE_AGENT_TOKEN": "bkct_test"]
        let refused = try await ToolRun.stacksctl(arguments, environment: environment)
        #expect(refused.status == 64)
        let allowed = try await ToolRun.stacksctl(arguments + ["--allow-insecure-http"], environment: environment)
        #expect(allowed.status == 1, "\(allowed.errors)")
    }

    @Test("what is retried is told as it happens, and what is cropped too")
    func notices() async throws {
        try await SimulatedWorld.run(["--jobs", "1"]) { world in
            try await world.control(
                "faults", method: "POST",
                body: ["kind": "refuse", "status": 503, "message": "Soon", "count": 1, "headers": ["Retry-After": "0"]])
            let retried = try await world.stacksctl("whoami")
            #expect(retried.status == 0)
            #expect(retried.errors.contains("retrying"), "\(retried.errors)")
            try await world.register()
            let list = try await world.json("list", "--stack", "mac-fleet", "--queue", "default")
            let job = try #require((list["jobs"] as? [[String: Any]])?.first?["id"] as? String)
            let cropped = try await world.stacksctl(
                "notify", "--stack", "mac-fleet", job, String(repeating: "x", count: 257))
            #expect(cropped.status == 0, "\(cropped.errors)")
            #expect(cropped.errors.contains("cropped") && cropped.errors.contains("256"), "\(cropped.errors)")
            // The case of a UUID's letters means nothing.
            let states = try await world.table("states", "--stack", "mac-fleet", job.uppercased())
            #expect(states.last?.hasPrefix(job) == true, "\(states)")
            let reserved = try await world.table("reserve", "--stack", "mac-fleet", job.uppercased())
            #expect(reserved.last == "\(job)  yes")
        }
    }

    @Test(
        "the help says that a long detail is cropped, and to what", arguments: [("notify", "256"), ("finish", "4096")])
    func helpNamesTheLimit(command: String, limit: String) async throws {
        let run = try await ToolRun.stacksctl(["help", command])
        #expect(run.output.contains("cropped to \(limit)"), "\(run.output)")
    }

    @Test("a message with control characters reaches the terminal without them")
    func escapes() async throws {
        try await SimulatedWorld.run { world in
            let fault: [String: Any] = ["kind": "refuse", "status": 422, "message": "a\u{1B}[2Jb"]
            try await world.control("faults", method: "POST", body: fault)
            let run = try await world.stacksctl("whoami")
            #expect(run.errors.contains("[2Jb"), "\(run.errors)")
            #expect(!run.errors.contains("\u{1B}"))
        }
    }
}
