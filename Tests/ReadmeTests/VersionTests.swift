import Foundation
import StacksAPI
import Testing

@Suite("The version")
struct VersionTests {
    private static func text(_ path: String) throws -> String {
        try String(contentsOf: Document.root.appendingPathComponent(path), encoding: .utf8)
    }

    @Test("is a semantic one")
    func semantic() {
        #expect(StacksAPIVersion.current.wholeMatch(of: /\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?/) != nil)
    }

    @Test("is the newest one of the change log that is released")
    func changeLog() throws {
        let log = try Self.text("Sources/StacksAPI/StacksAPI.docc/ChangeLog.md")
        let newest = try #require(
            log.split(separator: "\n").first { $0.hasPrefix("## ") && $0 != "## Not released yet" })
        #expect(newest == "## \(StacksAPIVersion.current)")
    }

    @Test("is written in one place of the sources")
    func onePlace() throws {
        let sources = Document.root.appendingPathComponent("Sources")
        let files = try FileManager.default.subpathsOfDirectory(atPath: sources.path).filter { $0.hasSuffix(".swift") }
        let holding = try files.filter { try Self.text("Sources/\($0)").contains("\"\(StacksAPIVersion.current)\"") }
        #expect(holding == ["StacksAPI/StacksAPIVersion.swift"])
    }
}
