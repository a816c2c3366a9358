import Foundation
import StacksCurl
import StacksTransport
import Testing

@Suite("A configuration that cannot work is refused before anything is sent")
struct CurlConfigurationTests {
    typealias Configuration = CurlTransport.Configuration

    static let refused: [(String, @Sendable (inout Configuration) -> Void, [String])] = [
        ("connect time-out of zero", { $0.connectTimeout = .zero }, ["connectTimeout", "0.0 seconds"]),
        ("negative request time-out", { $0.requestTimeout = .seconds(-1) }, ["requestTimeout", "-1.0 seconds"]),
        ("no idle time", { $0.maximumIdleTime = .zero }, ["maximumIdleTime"]),
        ("no lifetime", { $0.maximumConnectionLifetime = .zero }, ["maximumConnectionLifetime"]),
        ("no connections", { $0.maximumConnectionsPerHost = 0 }, ["maximumConnectionsPerHost", "0", "1024"]),
        ("no streams", { $0.maximumConcurrentStreams = 0 }, ["maximumConcurrentStreams", "0", "10000"]),
        ("no answer allowed", { $0.maximumResponseSize = 0 }, ["maximumResponseSize", "0"]),
        ("keep-alive of zero", { $0.tcpKeepAlive = .zero }, ["tcpKeepAlive"]),
        (
            "a CA file that is not there", { $0.certificateAuthorities = .file("/no/such/ca.pem") },
            ["/no/such/ca.pem", "No such file"]
        ),
        ("an empty CA text", { $0.certificateAuthorities = .pem("") }, ["CA text", "no certificate"]),
        (
            "a client certificate that is not there",
            { $0.clientCertificate = .init(certificateFile: "/no/cert", privateKeyFile: "/no/key") }, ["/no/cert"]
        ),
        ("a pin without its kind", { $0.pinnedPublicKey = "abc" }, ["abc", "sha256//"]),
        ("a CA file that is a directory", { $0.certificateAuthorities = .file("/tmp") }, ["/tmp", "directory"]),
        ("a CA file without a certificate", { $0.certificateAuthorities = .file("/dev/null") }, ["no certificate"]),
        ("a proxy that is no URL", { $0.proxy = .url("not a url") }, ["proxy", "spaces"]),
        ("a proxy of another kind", { $0.proxy = .url("ftp://proxy") }, ["proxy", "socks5"]),
        (
            "a proxy's password with a slash", { $0.proxy = .url("http://u:s3cret/x@proxy:1") },
            ["proxy", "percent-encoded"]
        ),
        ("an empty proxy", { $0.proxy = .url("") }, ["proxy", ".none"]),
    ]

    @Test("refused, naming the value", arguments: refused.indices)
    func isRefused(_ index: Int) {
        let (name, change, words) = Self.refused[index]
        var configuration = Configuration()
        change(&configuration)
        let error = #expect(throws: ConfigurationError.self, "\(name)") {
            try CurlTransport(configuration: configuration)
        }
        #expect(error?.message.contains("s3cret") == false)
        for word in words {
            #expect(error.map { "\($0)".contains(word) } == true, "\(name): \(String(describing: error)) names \(word)")
        }
    }

    @Test("a FIFO that nobody writes to is refused at once, wherever a file is named")
    func fifo() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("stacks-\(UUID()).pem").path
        try #require(mkfifo(path, 0o600) == 0)
        defer { unlink(path) }
        var (authority, certificate, key) = (Configuration(), Configuration(), Configuration())
        authority.certificateAuthorities = .file(path)
        certificate.clientCertificate = .init(certificateFile: path, privateKeyFile: path)
        key.clientCertificate = .init(certificateFile: #filePath, privateKeyFile: path)
        for configuration in [authority, certificate, key] {
            let error = #expect(throws: ConfigurationError.self) { try CurlTransport(configuration: configuration) }
            #expect(error?.message.contains(path) == true && error?.message.contains("FIFO") == true)
        }
    }

    @Test("a file is read no further than any certificate is long")
    func endlessFile() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("stacks-\(UUID()).pem").path
        try #require(FileManager.default.createFile(atPath: path, contents: nil))
        defer { unlink(path) }
        // It takes no room on the disk.
        try #require(truncate(path, 1 << 40) == 0)
        var configuration = Configuration()
        configuration.certificateAuthorities = .file(path)
        let error = #expect(throws: ConfigurationError.self) { try CurlTransport(configuration: configuration) }
        #expect(error?.message.contains("16 MiB") == true)
    }

    @Test("the library's version is known, and one that is supported")
    func version() throws {
        let parts = CurlTransport.libraryVersion.split { !$0.isNumber }.compactMap { Int($0) }
        try #require(parts.count >= 3)
        #expect((parts[0], parts[1]) >= (7, 81))
    }

    @Test("a configuration shows no password")
    func passwords() {
        var configuration = Configuration()
        configuration.proxy = .url("http://user:s3cret@proxy.example:3128/s3cret?s3cret")
        configuration.clientCertificate = .init(
            certificateFile: "/cert", privateKeyFile: "/key", privateKeyPassword: "s3cret")
        var dumped = ""
        dump(configuration, to: &dumped)
        for text in ["\(configuration)", String(reflecting: configuration), dumped] {
            #expect(!text.contains("s3cret"), "\(text)")
            #expect(text.contains("proxy.example:3128"), "\(text)")
        }
    }
}
