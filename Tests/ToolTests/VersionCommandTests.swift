import Foundation
import StacksAPI
import StacksCurl
import Testing

@testable import stacksctl

@Suite("The version command", .timeLimit(.minutes(5)))
struct VersionCommandTests {
    @Test("says what --version says, without a token", arguments: [["version"], ["--version"]])
    func short(arguments: [String]) async throws {
        let run = try await ToolRun.stacksctl(arguments)
        #expect(run.status == 0 && run.errors == "")
        #expect(run.lines == [StacksAPIVersion.current])
    }

    @Test("is one JSON document for scripts")
    func json() async throws {
        let short = try await ToolRun.stacksctl(["version", "--output", "json"]).document()
        #expect(short as? [String: String] == ["version": StacksAPIVersion.current])
        let long = try await ToolRun.stacksctl(["version", "--verbose", "--output", "json"]).document()
        #expect(
            Set(long.keys) == ["version", "libcurl", "swift", "platform", "transports"])
        #expect(long["transports"] as? [String] == ["curl", "urlsession"])
        let curl = try #require(long["libcurl"] as? [String: Any])
        #expect(Set(curl.keys) == ["version", "header_version", "oldest_supported_version", "tls", "http2"])
        #expect(curl["version"] as? String == CurlTransport.libraryVersion)
        #expect(curl["oldest_supported_version"] as? String == "7.81.0")
        #expect(curl["http2"] as? Bool == CurlBuild.ofThisProcess.supportsHTTP2)
    }

    @Test("says at length what the tool was built with")
    func verbose() async throws {
        let run = try await ToolRun.stacksctl(["version", "--verbose"])
        #expect(run.status == 0 && run.errors == "")
        let values = Dictionary(
            uniqueKeysWithValues: run.lines.map { line in
                let end = line.range(of: "  ")?.lowerBound ?? line.endIndex
                return (String(line[..<end]), line[end...].trimmingCharacters(in: .whitespaces))
            })
        #expect(values["stacksctl"] == StacksAPIVersion.current)
        #expect(values["libcurl"] == CurlTransport.libraryVersion)
        let tls = try #require(values["TLS"])
        #expect(tls.contains("/"), "a library with its version: \(tls)")
        #expect(["yes", "no"].contains(values["HTTP/2"]))
        #expect(values["transports"] == "curl, urlsession")
    }

    @Test("names the compiler that built it")
    func compiler() async throws {
        let said = BuildFacts.ofThisProcess.swift
        let compiler = try await SystemProgram.swiftVersion()
        #expect(said.hasSuffix("or newer") || compiler.hasPrefix(said), "\(said), \(compiler)")
    }

    @Test("has no response whose header fields it could show")
    func headers() async throws {
        let run = try await ToolRun.stacksctl(["version", "--headers"])
        #expect(run.status == 64 && run.errors.contains("--headers"))
    }
}
