import Foundation
import TestServers
import Testing

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Whom the tool speaks to, whom it trusts, and what it says of what it was given.
@Suite("Where the token goes", .timeLimit(.minutes(2)))
struct ConnectionEdgeTests {
    private static let token = "bkct_5ecret5ecret"

    /// A server of the API and one that would be a proxy, both with their requests.
    private func withServers(_ body: (_ api: LoopbackServer, _ proxy: LoopbackServer) async throws -> Void) async throws
    {
        let identity = #"{"uuid":"u","cluster_uuid":"c"}"#
        let api = try LoopbackServer { _, _ in
            .bytes("HTTP/1.1 200 OK\r\nContent-Length: \(identity.utf8.count)\r\n\r\n\(identity)")
        }
        defer { api.stop() }
        let proxy = try LoopbackServer { _, _ in .bytes("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n") }
        defer { proxy.stop() }
        try await body(api, proxy)
    }

    private func whoami(
        _ arguments: [String], _ environment: [String: String] = [:]
    ) async throws -> ToolRun {
        let run = try await ToolRun.stacksctl(
            ["whoami", "--no-retry", "--timeout", "10"] + arguments,
            environment: ["BUILDKITE_AGENT_TOKEN": Self.token].merging(environment) { $1 })
        #expect(!run.output.contains("5ecret") && !run.errors.contains("5ecret"), "\(run.errors)")
        return run
    }

    @Test(
        "this machine is reached without the environment's proxy",
        arguments: ["127.0.0.1", "localhost", "LOCALHOST", "localhost.", "[::ffff:127.0.0.1]", "127.1", "2130706433"],
        ["http_proxy", "all_proxy", "ALL_PROXY"])
    func environmentProxy(host: String, variable: String) async throws {
        try await withServers { api, proxy in
            // What only some resolvers take for this machine needs leave to be spoken to in plaintext.
            let leave = ["127.1", "2130706433"].contains(host) ? ["--allow-insecure-http"] : []
            let run = try await whoami(
                ["--base-url", "http://\(host):\(api.port)/v3"] + leave, [variable: "http://127.0.0.1:\(proxy.port)"])
            #expect(run.status == 0, "\(run.errors)")
            #expect(api.received.count == 1)
            #expect(proxy.connectionCount == 0)
        }
    }

    @Test(
        "and so it is with URLSession, whatever no_proxy says", arguments: [nil, "", "a.example"] as [String?],
        ["127.0.0.1", "localhost"])
    func environmentProxyOfURLSession(exceptions: String?, host: String) async throws {
        try await withServers { api, proxy in
            var environment = ["http_proxy": "http://127.0.0.1:\(proxy.port)"]
            environment["no_proxy"] = exceptions
            let run = try await whoami(
                ["--transport", "urlsession", "--base-url", "http://\(host):\(api.port)/v3"], environment)
            #expect(run.status == 0, "\(run.errors)")
            #expect(api.received.count == 1)
            #expect(proxy.connectionCount == 0)
        }
    }

    @Test("a proxy of one's own gets no plaintext, unless that is allowed")
    func ownProxy() async throws {
        try await withServers { api, proxy in
            let arguments = [
                "--base-url", "http://127.0.0.1:\(api.port)/v3", "--proxy",
                "http://u:pa55@127.0.0.1:\(proxy.port)/p4th",
            ]
            let refused = try await whoami(arguments)
            #expect(refused.status == 64)
            #expect(refused.errors.contains("plaintext") && refused.errors.contains("127.0.0.1:\(proxy.port)"))
            #expect(!refused.errors.contains("pa55") && !refused.errors.contains("p4th"))
            #expect(proxy.connectionCount == 0 && api.connectionCount == 0)
            let allowed = try await whoami(arguments + ["--allow-insecure-http"])
            #expect(allowed.status == 1)
            #expect(proxy.received.count == 1)
        }
    }

    /// The environment that has the token in this variable, or in none when the source is an option.
    private static func environment(_ source: String, _ token: String) -> [String: String] {
        if source == "--token" { return [:] }
        var environment = ["BUILDKITE_AGENT_TOKEN": ""]
        environment[source] = token
        return environment
    }

    @Test(
        "a line end after the token is left out, with a note at debug",
        arguments: ["BUILDKITE_AGENT_TOKEN", "BUILDKITE_CLUSTER_TOKEN", "--token"], ["\n", "\r\n"])
    func lineEnd(source: String, end: String) async throws {
        try await withServers { api, _ in
            let given = Self.token + end
            let run = try await whoami(
                ["--log-level", "debug", "--base-url", api.origin] + (source == "--token" ? [source, given] : []),
                Self.environment(source, given))
            #expect(run.status == 0, "\(run.errors)")
            let request = try #require(api.received.first)
            #expect(request.contains("\r\nAuthorization: Token \(Self.token)\r\n"), "\(request)")
            #expect(run.errors.contains("debug") && run.errors.contains(source), "\(run.errors)")
        }
    }

    @Test(
        "what no token has is refused with where it was given, and its name",
        arguments: ["BUILDKITE_AGENT_TOKEN", "BUILDKITE_CLUSTER_TOKEN", "--token"],
        [("\nx", "line feed"), (" x", "space"), ("\u{1}x", "U+0001"), ("é", "ASCII")])
    func unusable(source: String, wrong: (String, String)) async throws {
        let given = Self.token + wrong.0
        let run = try await whoami(
            ["--base-url", "http://127.0.0.1:9"] + (source == "--token" ? [source, given] : []),
            Self.environment(source, given))
        #expect(run.status == 64)
        #expect(run.errors.contains(source) && run.errors.contains(wrong.1), "\(run.errors)")
    }

    @Test("no password, path or query of a URL is in what is said of it")
    func urls() async throws {
        for arguments in [
            ["--base-url", "https://u:pa55/x@127.0.0.1/"], ["--base-url", "https://u:pa55@127.0.0.1:x/"],
            ["--base-url", "https://127.0.0.1/v3?key=pa55"], ["--base-url", "https://u:pa55?x@127.0.0.1/"],
            ["--proxy", "http://u:pa55/x@127.0.0.1:1"], ["--proxy", "ftp://u:pa55@127.0.0.1:1"],
            ["--proxy", "http://127.0.0.1:1/pa55?pa55"], ["--proxy", "http://u:pa55@127.0.0.1:1/pa55"],
        ] {
            let base = arguments[0] == "--proxy" ? ["--base-url", "https://127.0.0.1:9/v3"] : []
            let run = try await whoami(arguments + base + ["--log-level", "trace", "--log-payloads"])
            #expect(run.status == 64 || run.status == 1)
            #expect(!run.errors.contains("pa55"), "\(run.errors)")
        }
        for variable in ["https_proxy", "all_proxy"] {
            for url in ["http://u:pa55/x@127.0.0.1:1", "http://u:pa55@127.0.0.1:x", "pa55://u:pa55@127.0.0.1:1"] {
                for transport in ["curl", "urlsession"] {
                    let run = try await whoami(
                        ["--transport", transport, "--base-url", "https://no-such-host.invalid/v3"], [variable: url])
                    #expect(run.status == 1)
                    #expect(!run.errors.contains("pa55"), "\(run.errors)")
                }
            }
        }
    }

    @Test("the environment's authorities are trusted, and an error names the option for others")
    func authorities() async throws {
        try await SimulatedWorld.run(over: .curlHTTP2) { world in
            let base = ["--base-url", world.simulator.ready.url, "--token", world.simulator.ready.token]
            let file = try #require(world.simulator.ready.caFile)
            let trusted = try await whoami(base, ["SSL_CERT_FILE": file])
            #expect(trusted.status == 0, "\(trusted.errors)")
            let unknown = try await whoami(base)
            #expect(unknown.status == 1)
            #expect(unknown.errors.contains("--ca-file"), "\(unknown.errors)")
            let missing = try await whoami(base, ["SSL_CERT_FILE": "/no/such/ca.pem"])
            #expect(missing.status == 64)
            #expect(missing.errors.contains("SSL_CERT_FILE") && missing.errors.contains("/no/such/ca.pem"))
            let explicit = try await whoami(base + ["--ca-file", file], ["SSL_CERT_FILE": "/no/such/ca.pem"])
            #expect(explicit.status == 0, "\(explicit.errors)")
        }
    }

    #if canImport(FoundationNetworking)
        @Test("'run' over URLSession says on Linux what that does not survive", arguments: ["curl", "urlsession"])
        func warning(transport: String) async throws {
            try await SimulatedWorld.run { world in
                let run = try await world.stacksctl(
                    "run", "--stack", "k", "--queue", world.simulator.ready.queue, "--once", "--transport", transport,
                    "--", "true")
                #expect(run.status == 0, "\(run.errors)")
                let lines = run.errors.split(separator: "\n").filter { $0.contains("URLSession") }
                #expect(lines.count == (transport == "urlsession" ? 1 : 0), "\(run.errors)")
            }
        }
    #endif

    @Test("a header that breaks off is retried by what may be repeated, and no finish is taken for done from it")
    func cutHeader() async throws {
        let job = "01989c5e-0000-7000-8000-000000000001"
        for (arguments, state) in [
            (["states", "--stack", "s", job], "running"),
            (["finish", "--stack", "s", job, "--detail", "x"], "finished"),
        ] {
            let body = #"{"states":{"\#(job)":"\#(state)"}}"#
            let api = try LoopbackServer { _, index in
                index == 0 ? .lastBytes("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n") : .ok(body)
            }
            defer { api.stop() }
            let run = try await ToolRun.stacksctl(
                arguments + ["--base-url", api.origin], environment: ["BUILDKITE_AGENT_TOKEN": Self.token])
            let paths = api.received.map { $0.prefix { $0 != "\r" }.split(separator: " ")[1] }
            #expect(paths.count == 2 && paths.last?.hasSuffix("get-states") == true, "\(paths) \(run.errors)")
        }
    }
}
