import StacksTransport
import Testing

@Suite("Hosts of URLs")
struct HostAddressTests {
    @Test(
        "loopback hosts are recognized in every spelling",
        arguments: [
            "localhost", "LOCALHOST", "localhost.", "runner.localhost", "127.0.0.1", "127.255.255.254", "127.1",
            "127.0.1",
            "2130706433", "0x7f000001", "0x7F.1", "0177.0.0.1", "017700000001", "127.0.0.1.", "0.0.0.0", "0", "::1",
            "[::1]", "[0:0:0:0:0:0:0:1]", "[0::1]", "::ffff:127.0.0.1", "[::FFFF:7f00:1]", "[::ffff:127.8.9.10]", "::",
            "[::]", "[::ffff:0.0.0.0]",
        ])
    func loopback(host: String) {
        #expect(HostAddress.isLoopback(host))
        #expect(HostAddress.isLoopback(hostOf: "http://\(host.hasPrefix(":") ? "[\(host)]" : host):8080/v3"))
    }

    @Test(
        "no other host counts as loopback",
        arguments: [
            "", ".", "localhost.example", "notlocalhost", "127.0.0.1.example", "127.0.0.256", "128.0.0.1",
            "126.255.255.255",
            "1.127.0.0", "10.0.0.1", "0x80.1", "4294967296", "127.0.0.0.1", "127..1", "+127.0.0.1", "0x", "08.0.0.1",
            "::2", "[::1", "1::1", "::ffff:128.0.0.1", "::fffe:127.0.0.1", "::127.0.0.1", "127.0.0.1::", "[fe80::1]",
            "a::b::c",
            "agent.buildkite.com",
        ])
    func notLoopback(host: String) { #expect(!HostAddress.isLoopback(host)) }

    @Test(
        "the host of a URL",
        arguments: [
            ("http://a.example", "a.example"), ("https://a.example:1/p@q:2", "a.example"),
            ("http://u:p@q@a.example:1/", "a.example"), ("http://[::1]:80/x", "[::1]"), ("a.example:1", "a.example"),
            ("http://?x", ""), ("http://127.0.0.1#@a", "127.0.0.1"), ("http://localhost@a.example/", "a.example"),
        ])
    func host(url: String, host: String) { #expect(HostAddress.host(of: url) == host) }
}

@Suite("URLs in messages")
struct ShownURLTests {
    @Test(
        "everything before the last @ and the query are redacted",
        arguments: [
            ("https://a.example/v3", "https://a.example/v3", "a.example"),
            ("https://u:s3kret@a.example:1/v3", "https://[redacted]@a.example:1/v3", "a.example:1"),
            ("https://u:s3kret/x@a.example/", "https://[redacted]@a.example/", "a.example"),
            ("https://u:s3kret@x@a.example", "https://[redacted]@a.example", "a.example"),
            ("https://u:s3kret?x@a.example", "https://[redacted]@a.example", "a.example"),
            ("https://u:s3kret#x@a.example/p", "https://[redacted]@a.example/p", "a.example"),
            ("https:///s3kret@a.example", "https://[redacted]@a.example", "a.example"),
            ("u:s3kret@a.example:1", "[redacted]@a.example:1", "a.example:1"),
            ("//u:s3kret@a.example:1/p", "[redacted]@a.example:1/p", "a.example:1"),
            ("https://a.example/v3?key=s3kret", "https://a.example/v3?…", "a.example"),
            ("https://a.example/v3#s3kret", "https://a.example/v3?…", "a.example"),
            ("https://u@a.example/v3?key=s3kret", "https://[redacted]@a.example/v3?…", "a.example"),
            ("https://a.example/v3?mail=x@b&key=s3kret", "https://[redacted]", "b&key=s3kret"),
            ("s3kret://u:p@a.example", "[redacted]@a.example", "a.example"),
            (
                "http://proxy.example:3128/s3kret/path?x=s3kret", "http://proxy.example:3128/s3kret/path?…",
                "proxy.example:3128"
            ),
            ("", "", ""),
        ])
    func text(url: String, shown: String, authority: String) {
        #expect(ShownURL.text(url) == shown)
        if !url.contains("&") { #expect(ShownURL.authority(url) == authority) }
    }
}

@Suite("Lists of hosts that bypass the proxy")
struct ProxyExceptionsTests {
    @Test(
        "an entry matches a host, its subdomains, or an exact address",
        arguments: [
            ("localhost,127.0.0.1", "127.0.0.1", true), ("localhost 127.0.0.1", "LOCALHOST", true),
            ("a.example", "x.a.example", true), (".a.example", "a.example", true), ("a.example", "xa.example", false),
            ("a.example.", "a.example", true), ("*", "a.example", true), ("*,x", "a.example", false),
            ("::1", "[::1]", true), ("27.0.0.1", "127.0.0.1", false), ("0.0.1", "127.0.0.1", false),
            ("127.0.0.0/8", "127.0.0.1", false), ("", "a.example", false), (",.,", "a.example", false),
        ])
    func names(list: String, host: String, isNamed: Bool) { #expect(ProxyExceptions(list).names(host) == isNamed) }
}
