import Foundation
import StacksCurl
import StacksTransport
import Testing

@Suite("Invalid configurations are rejected when the transport is created")
struct CurlConfigurationTests {
    typealias Configuration = CurlTransport.Configuration

    static let refused: [(String, @Sendable (inout Configuration) -> Void, [String])] = [
        ("connect timeout of zero", { $0.connectTimeout = .zero }, ["connectTimeout", "0.0 seconds"]),
        ("negative request timeout", { $0.requestTimeout = .seconds(-1) }, ["requestTimeout", "-1.0 seconds"]),
        ("no idle time", { $0.maximumIdleTime = .zero }, ["maximumIdleTime"]),
        ("no lifetime", { $0.maximumConnectionLifetime = .zero }, ["maximumConnectionLifetime"]),
        ("no connections", { $0.maximumConnectionsPerHost = 0 }, ["maximumConnectionsPerHost", "0", "1024"]),
        ("no streams", { $0.maximumConcurrentStreams = 0 }, ["maximumConcurrentStreams", "0", "10000"]),
        ("no response allowed", { $0.maximumResponseSize = 0 }, ["maximumResponseSize", "0"]),
        ("keep-alive of zero", { $0.tcpKeepAlive = .zero }, ["tcpKeepAlive"]),
        (
            "a missing CA file", { $0.certificateAuthorities = .file("/no/such/ca.pem") },
            ["/no/such/ca.pem", "No such file"]
        ),
        ("an empty CA text", { $0.certificateAuthorities = .pem("") }, ["CA text", "no certificate"]),
        (
            "a missing client certificate",
            { $0.clientCertificate = .init(certificateFile: "/no/cert", privateKeyFile: "/no/key") }, ["/no/cert"]
        ),
        ("a pin without its hash algorithm", { $0.pinnedPublicKey = "abc" }, ["abc", "sha256//"]),
        ("a CA file that is a directory", { $0.certificateAuthorities = .file("/tmp") }, ["/tmp", "directory"]),
        (
            "a CA file that is a device", { $0.certificateAuthorities = .file("/dev/null") },
            ["/dev/null", "regular file"]
        ),
        ("a proxy that is not a URL", { $0.proxy = .url("not a url") }, ["proxy", "spaces"]),
        ("a proxy with another scheme", { $0.proxy = .url("ftp://proxy") }, ["proxy", "socks5"]),
        (
            "a proxy's password with a slash", { $0.proxy = .url("http://u:s3cret/x@proxy:1") },
            ["proxy", "percent-encoded"]
        ),
        ("an empty proxy", { $0.proxy = .url("") }, ["proxy", ".none"]),
    ]

    @Test("the error names the value", arguments: refused.indices)
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

    @Test("a FIFO without a writer is rejected at once, for every option that names a file")
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

    @Test("a file beyond the size limit is rejected")
    func endlessFile() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("stacks-\(UUID()).pem").path
        try #require(FileManager.default.createFile(atPath: path, contents: nil))
        defer { unlink(path) }
        // A sparse file.
        try #require(truncate(path, 1 << 40) == 0)
        var configuration = Configuration()
        configuration.certificateAuthorities = .file(path)
        let error = #expect(throws: ConfigurationError.self) { try CurlTransport(configuration: configuration) }
        #expect(error?.message.contains("16 MiB") == true)
    }

    @Test("the library's version is known and supported")
    func version() throws {
        let parts = CurlTransport.libraryVersion.split { !$0.isNumber }.compactMap { Int($0) }
        try #require(parts.count >= 3)
        #expect((parts[0], parts[1]) >= (7, 81))
    }

    @Test("the description of a configuration contains no password")
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
