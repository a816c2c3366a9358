import HTTPTypes
import StacksTesting
import StacksTransport
import Testing

@testable import StacksAPI

@Suite struct BaseURLTests {
    @Test(
        "a base URL's host, port and path are kept",
        arguments: [
            ("https://agent.buildkite.com/v3/", "https://agent.buildkite.com", "/v3/"),
            ("https://agent.buildkite.com/v3", "https://agent.buildkite.com", "/v3/"),
            ("https://host", "https://host", "/"), ("https://host/", "https://host", "/"),
            ("HTTPS://Host.Example:8443/a/B%20c/v3", "https://host.example:8443", "/a/B%20c/v3/"),
            ("https://host:443/v3", "https://host", "/v3/"), ("http://localhost:80", "http://localhost", "/"),
            ("http://127.0.0.1:8080/v3", "http://127.0.0.1:8080", "/v3/"),
            ("http://127.255.0.3", "http://127.255.0.3", "/"),
            ("http://[::1]:80/v3", "http://[::1]", "/v3/"),
            ("http://[0:0:0:0:0:0:0:1]:8", "http://[0:0:0:0:0:0:0:1]:8", "/"),
            ("https://[2001:DB8::1]:8443/", "https://[2001:db8::1]:8443", "/"),
            ("http://LOCALHOST:1", "http://localhost:1", "/"), ("http://localhost.:1", "http://localhost:1", "/"),
            ("http://[::ffff:127.0.0.1]:1", "http://[::ffff:127.0.0.1]:1", "/"),
            ("http://[::FFFF:7f00:1]", "http://[::ffff:7f00:1]", "/"),
        ])
    func accepts(_ text: String, _ origin: String, _ path: String) throws {
        let url = try BaseURL(text, allowsInsecureHTTP: false)
        #expect(url.origin == origin)
        #expect(url.pathPrefix == path)
    }

    @Test(
        "plaintext to a host that is not loopback is refused unless allowed",
        arguments: [
            "http://agent.buildkite.com/v3", "http://10.0.0.1", "http://localhost.example.com",
            "http://127.0.0.1.example.com",
            "http://127.1", "http://127.0.0.01", "http://127.0.0.256", "http://128.0.0.1", "http://[::2]",
            "http://[1::1]",
            "http://[::]", "http://0.0.0.0", "http://notlocalhost", "http://[::ffff:10.0.0.1]", "http://2130706433",
            "http://0x7f.1", "http://a.localhost",
        ])
    func refusesPlaintext(_ text: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try BaseURL(text, allowsInsecureHTTP: false) }
        #expect(error?.message.contains("plaintext") == true)
        #expect(error?.message.contains(text) == true)
        _ = try BaseURL(text, allowsInsecureHTTP: true)
    }

    @Test(
        "a malformed base URL is refused with its reason",
        arguments: [
            ("", "scheme"), ("agent.buildkite.com", "scheme"), ("ftp://host", "neither https nor http"),
            ("https://", "no host"),
            ("https:///v3", "no host"), ("https://:80/", "no host"), ("https://host:0", "port"),
            ("https://host:65536", "port"),
            ("https://host:", "port"), ("https://host:8x", "port"), ("https://ho st", "space"),
            ("https://host/\n", "control"),
            ("https://host/v3?x=1", "query"), ("https://host/v3#x", "fragment"), ("https://hést", "character"),
            ("https://host/a/../b", "segment"), ("https://host\\@evil", "character"), ("https://[::1", "[ without"),
            ("https://[::g]", "IPv6"), ("https://[1:2:3:4:5:6:7:8:9]", "IPv6"), ("https://[::1]x", "between"),
            ("https://host/{a}", "percent-encoded"), ("https://ho%73t/", "letters"),
        ])
    func refuses(_ text: String, _ reason: String) {
        let error = #expect(throws: ConfigurationError.self) { try BaseURL(text, allowsInsecureHTTP: true) }
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
    }

    @Test("user info is refused and not shown")
    func refusesUserInfo() {
        let error = #expect(throws: ConfigurationError.self) {
            try BaseURL("https://user:hunter2@host/v3", allowsInsecureHTTP: false)
        }
        #expect(error?.message.contains("user info") == true)
        #expect(error?.description.contains("hunter2") == false)
    }

    @Test(
        "nothing before the last @, no query and no token is shown of a base URL",
        arguments: [
            "https://user:s3kret/x@127.0.0.1/", "https://user:s3kret@host:x/", "https://user:s3kret?x@host",
            "https://user:s3kret#x@host", "user:s3kret@host", "https://user:s3kret:1@host", "ftp://user:s3kret@host",
            "https:/user:s3kret@host", "https://us er:s3kret@host", "https://host:s3kret@x:y",
            "https://host/v3?key=s3kret",
            "https://host/v3#s3kret", "https://user:s3kret\\@host", "https://bkct_s3krets3kret:0/",
        ])
    func showsNoSecret(_ text: String) {
        let error = #expect(throws: ConfigurationError.self) { try BaseURL(text, allowsInsecureHTTP: true) }
        #expect(error?.description.contains("s3kret") == false, "\(error as Any)")
    }

    /// Says that plaintext goes through a proxy.
    private struct Proxied: ProxiedTransport {
        nonisolated(nonsending) func send(_ request: TransportRequest) async throws -> TransportResponse {
            TransportResponse(status: .ok, body: Array("{}".utf8))
        }

        func plaintextProxy(for origin: String) -> String? { origin.hasPrefix("http:") ? "proxy.example:3128" : nil }
    }

    @Test("the token goes in plaintext through no proxy, unless insecure HTTP is allowed")
    func refusesPlaintextProxy() throws {
        var configuration = StacksClient.Configuration()
        configuration.baseURL = "http://127.0.0.1:8080/v3"
        let error = #expect(throws: ConfigurationError.self) {
            try StacksClient(token: "t", transport: Proxied(), configuration: configuration)
        }
        #expect(error?.message.contains("proxy.example:3128") == true && error?.message.contains("plaintext") == true)
        configuration.allowsInsecureHTTP = true
        _ = try StacksClient(token: "t", transport: Proxied(), configuration: configuration)
        configuration.allowsInsecureHTTP = false
        configuration.baseURL = "https://127.0.0.1:8080/v3"
        _ = try StacksClient(token: "t", transport: Proxied(), configuration: configuration)
    }

    @Test("a request says to every transport whether a proxy may read it", arguments: [false, true])
    func forbidsPlaintextProxy(isAllowed: Bool) async throws {
        let bed = try Testbed([.answer(.ok, "{}")]) { $0.allowsInsecureHTTP = isAllowed }
        _ = try await bed.client.tokenIdentity()
        #expect(try bed.request.allowsPlaintextProxy == isAllowed)
    }

    @Test("a base URL with a path of its own stays in front of every path")
    func keepsThePath() async throws {
        let bed = try Testbed([.answer(.ok, "{}")]) { $0.baseURL = "https://proxy.example/bk/v3" }
        _ = try await bed.client.tokenIdentity()
        #expect(try bed.request.url == "https://proxy.example/bk/v3/token")
    }
}
