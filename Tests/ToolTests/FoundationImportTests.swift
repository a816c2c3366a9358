import Foundation
import Testing

/// On Linux, Foundation makes up two thirds of a tool that is linked statically: it brings ICU.
@Suite("What the tools import")
struct FoundationImportTests {
    @Test(
        "is no more of Foundation than its essentials, where there are any",
        arguments: [
            "stacksctl", "stacks-simulator", "StandardStreams", "CommandLaunching", "StacksController", "StacksAPI",
            "StacksCurl", "StacksTransport", "StacksTesting",
        ])
    func essentials(target: String) throws {
        let folder = Checkout.root.appendingPathComponent("Sources/\(target)")
        let files = try FileManager.default.subpathsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".swift") }
        #expect(!files.isEmpty)
        for file in files {
            let lines = try String(contentsOf: folder.appendingPathComponent(file), encoding: .utf8)
                .split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
            for (index, line) in lines.enumerated() where line.contains("import ") && line.contains("Foundation") {
                let isEssential = line.hasSuffix("import FoundationEssentials") || line.hasPrefix("//")
                let condition = index >= 3 && lines[index - 1] == "#else" ? lines[index - 3] : ""
                #expect(
                    isEssential || condition == "#if canImport(FoundationEssentials)", "\(target)/\(file): \(line)")
            }
        }
    }
}
