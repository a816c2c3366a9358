import Foundation
import TestServers
import Testing

@Suite("The tour of the article about production", .timeLimit(.minutes(10)))
struct TourTests {
    @Test("every step does what is written below it")
    func steps() async throws {
        let home = FileManager.default.temporaryDirectory.appending(path: "tour-\(UUID())")
        try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: home) }
        let products = try BuiltProducts.executable(named: "stacksctl").deletingLastPathComponent().path
        var environment = ProcessInfo.processInfo.environment
        environment["HOME"] = home.path
        let script = "cd '\(Document.root.path)'\n" + (try Tour().script(products: products))
        let shell = try ChildProcess(
            URL(fileURLWithPath: "/usr/bin/env"), ["bash", "-c", script], environment: environment, input: [])
        let outcome = try await shell.outcome(within: .seconds(400))
        #expect(outcome.exitStatus == 0 && outcome.errorText == "", "\(outcome.errorText)")
    }

    @Test("it shows everything that a person on call uses")
    func whole() throws {
        let commands = try Tour().commands.map(\.text).joined(separator: "\n")
        for part in [
            "Scripts/install", "--check", "/readyz", "/metrics", "/status", "9464/\n", "-USR1", "-HUP", "> token",
            "-TERM",
            "summary.txt",
        ] {
            #expect(commands.contains(part), "\(part)")
        }
        #expect(try Tour().commands.count { !$0.output.isEmpty } >= 10)
    }
}
