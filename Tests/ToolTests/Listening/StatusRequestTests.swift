import Foundation
import TestServers
import Testing

@testable import stacksctl

/// Whom the status server answers, and what it does not do.
@Suite("Requests to the status server", .timeLimit(.minutes(5)))
struct StatusRequestTests {
    @Test("a Host that is not its own is refused everywhere, with a sentence that says what is")
    func foreignHosts() async throws {
        try await SimulatedWorld.run { world in
            try await ListeningRun.during(world) { run in
                let foreign = [
                    "evil.example", "localhost.evil.example", "10.0.0.1", "127.0.0.1.evil.example", "[::]", "0.0.0.0",
                    "", "\u{202e}localhost",
                ]
                for path in ["/", "/status", "/metrics", "/livez", "/readyz", "/other"] {
                    for host in foreign {
                        let answer = try await run.get(path, ["-H", host.isEmpty ? "Host;" : "Host: \(host)"])
                        #expect(answer.status == 403, "\(path) \(host): \(answer)")
                        #expect(answer.body.contains("this server serves localhost, 127.0.0.1, [::1]"), "\(answer)")
                        #expect(!answer.body.contains("\u{202e}"))
                    }
                }
                for host in ["localhost:1", "127.0.0.1", "LOCALHOST", "[::1]:80"] {
                    let answer = try await run.get("/livez", ["-H", "Host: \(host)"])
                    #expect(answer.status == 200, "\(host)")
                }
            }
        }
    }

    @Test("a server on every address answers to addresses and the names that it is given, and no other name")
    func everywhere() async throws {
        try await SimulatedWorld.run { world in
            try await ListeningRun.during(
                world, ["--allowed-host", "Stacks.Example"], listen: "0.0.0.0:0"
            ) { run in
                let own = ProcessInfo.processInfo.hostName
                for host in ["10.1.2.3:9464", "[2001:db8::1]", "localhost", "stacks.example:80", own] {
                    let answer = try await run.get("/livez", ["-H", "Host: \(host)"])
                    #expect(answer.status == 200, "\(host)")
                }
                for host in ["evil.example", "10.1.2.3.evil.example", "1", "0x7f000001"] {
                    let answer = try await run.get("/livez", ["-H", "Host: \(host)"])
                    #expect(answer.status == 403, "\(host)")
                }
            }
        }
    }

    @Test("another site's script is refused, a link on another site is not")
    func sites() async throws {
        try await SimulatedWorld.run { world in
            try await ListeningRun.during(world) { run in
                let script = try await run.get(
                    "/status", ["-H", "Sec-Fetch-Site: cross-site", "-H", "Sec-Fetch-Mode: cors"])
                #expect(script.status == 403)
                #expect(try await run.get("/status", ["-H", "Origin: https://evil.example"]).status == 403)
                let link = ["-H", "Sec-Fetch-Site: cross-site", "-H", "Sec-Fetch-Mode: navigate"]
                #expect(try await run.get("/", link).status == 200)
            }
        }
    }

    @Test("it only reads: other methods are refused, and what is not there is said to be so")
    func methods() async throws {
        try await SimulatedWorld.run { world in
            try await ListeningRun.during(world) { run in
                for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "QUERY"] {
                    let answer = try await run.ask(method, "/status", ["--data-binary", "{}"])
                    #expect(answer.status == 405 && answer.headers["allow"] == "GET, HEAD", "\(method): \(answer)")
                }
                let head = try await run.get("/metrics", ["--head", "-o", "/dev/null"])
                #expect(
                    head.status == 200 && head.body.isEmpty && Int(head.headers["content-length"] ?? "") ?? 0 > 1000)
                for path in ["/nothing", "/status/", "//", "/..%2f", "/%1b"] {
                    let answer = try await run.get(path)
                    #expect(answer.status == 404 && !answer.body.contains("\u{1b}"), "\(path): \(answer)")
                }
                for query in [
                    "jobs=-1", "jobs=10001", "jobs=x", "find=%ff", "find=\(String(repeating: "x", count: 201))", "no=1",
                ] {
                    #expect(try await run.get("/status?\(query)").status == 400, "\(query)")
                }
            }
        }
    }

    @Test("the page may run its own script and nothing else, and may not be framed")
    func policy() async throws {
        try await SimulatedWorld.run { world in
            try await ListeningRun.during(world) { run in
                let (one, other) = (try await run.get("/"), try await run.get("/"))
                #expect(one.status == 200 && one.headers["content-type"] == "text/html; charset=utf-8")
                let policy = try #require(one.headers["content-security-policy"])
                for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"] {
                    #expect(policy.contains(part))
                }
                #expect(!policy.contains("unsafe"))
                let nonce = try #require(policy.firstMatch(of: /script-src 'nonce-([a-z0-9]+)'/)).1
                #expect(
                    one.body.contains("<script nonce=\"\(nonce)\">") && one.body.contains("<style nonce=\"\(nonce)\">"))
                #expect(!one.body.contains("{{") && !one.body.contains(".js */") && !one.body.contains(".css */"))
                #expect(one.headers["content-security-policy"] != other.headers["content-security-policy"])
                // One file: nothing is loaded from anywhere.
                #expect(!one.body.contains("src=") && !one.body.contains("@import") && !one.body.contains("http://1"))
            }
        }
    }

    @Test("clients that connect and say nothing keep nobody out")
    func idleClients() async throws {
        try await SimulatedWorld.run { world in
            try await ListeningRun.during(world) { run in
                let idle = (0..<200).map { _ in IdleConnection(port: run.port) }
                #expect(idle.allSatisfy { $0.isConnected })
                #expect(try await run.get("/livez").status == 200)
                try await run.get("/readyz") { $0.status == 200 }
                withExtendedLifetime(idle) {}
            }
        }
    }

    @Test("what is no HTTP, and a head without end, ends that connection alone")
    func nonsense() async throws {
        try await SimulatedWorld.run { world in
            try await ListeningRun.during(world) { run in
                let long = "GET / HTTP/1.1\r\nHost: localhost\r\nX: " + String(repeating: "x", count: 100_000)
                for text in ["\u{0}\u{1}\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", long] {
                    let connection = IdleConnection(port: run.port)
                    connection.send(text)
                    #expect(await connection.isClosedByPeer(), "\(text.prefix(20))")
                }
                let live = try await run.get("/livez")
                #expect(live.status == 200)
            }
        }
    }
}

@Suite("Starting to listen", .timeLimit(.minutes(5)))
struct ListenStartTests {
    @Test("a port that is taken ends the run before anything is sent")
    func taken() async throws {
        try await SimulatedWorld.run(["--jobs", "1"]) { world in
            let tool = try ListeningRun.start(world, ["--listen", "127.0.0.1:\(world.simulator.ready.port)"])
            let run = ToolRun(try await tool.outcome())
            #expect(run.status == 1 && run.output.isEmpty)
            #expect(
                run.errors.contains(
                    "cannot listen on 127.0.0.1:\(world.simulator.ready.port) (--listen): the port is in use"),
                "\(run.errors)")
            #expect(try await world.control("report")["requests"] as? [String: Int] == [:])
        }
    }

    @Test(
        "an address that this machine does not have, and a name that there is not, are said to be so",
        arguments: [("192.0.2.1:9464", "no such address"), ("no-such-host.invalid:9464", "cannot be resolved")])
    func elsewhere(address: String, reason: String) async throws {
        try await SimulatedWorld.run { world in
            let run = ToolRun(try await ListeningRun.start(world, ["--listen", address]).outcome())
            #expect(run.status == 1 && run.errors.contains(reason), "\(run.errors)")
            #expect(try await world.control("report")["requests"] as? [String: Int] == [:])
        }
    }

    @Test(
        "an address that is none is a wrong command line, and the message says what is right",
        arguments: [
            ("9464", "HOST:PORT"), (":9464", "0.0.0.0:PORT"), ("127.0.0.1:", "HOST:PORT"), ("127.0.0.1:65536", "65535"),
            ("127.0.0.1:+1", "HOST:PORT"), ("::1:80", "brackets"), ("[::1:80", "brackets"), ("[nonsense]:1", "IPv6"),
            ("a/b:1", "name or an address"), ("a\u{1b}[31m:1", "name or an address"),
        ])
    func mistakes(address: String, hint: String) async throws {
        let run = try await ToolRun.stacksctl(
            ["run", "--stack", "s", "--queue", "q", "--listen", address, "--", "true"],
            environment: ["BUILDKITE_AGENT_TOKEN": "bkct_x"])
        #expect(run.status == 64 && run.errors.contains(hint), "\(run.errors)")
        #expect(!run.errors.contains("\u{1b}"))
    }

    @Test("addresses are read as they are written")
    func addresses() throws {
        let loopback = try ListenAddress(parsing: "[::1]:0")
        #expect(loopback.host == "::1" && loopback.port == 0 && loopback.urlHost == "[::1]" && loopback.isLoopback)
        #expect(try ListenAddress(parsing: "0.0.0.0:9464").isEverywhere)
        #expect(try ListenAddress(parsing: "[::]:9464").isEverywhere)
        let name = try ListenAddress(parsing: "build-1.example:9464")
        #expect(!name.isEverywhere && !name.isLoopback && "\(name)" == "build-1.example:9464")
    }
}
