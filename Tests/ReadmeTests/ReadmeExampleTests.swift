import Foundation
import StacksAPI
import Testing

@Suite("The README's examples")
struct ReadmeExampleTests {
    @Test("every Swift example stands word for word in a file that is compiled with the tests")
    func examplesAreCompiled() throws {
        let folder = Readme.root.appendingPathComponent("Tests/ReadmeTests/Examples")
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "swift" }
            .map { Self.words(try String(contentsOf: $0, encoding: .utf8).components(separatedBy: "\n")) }
        let examples = try Readme().blocks.filter { $0.language == "swift" && !Self.isManifest($0) }
        try #require(examples.count >= 5)
        for example in examples {
            // The imports stand at the top of a file, and the rest inside a function.
            let imports = example.lines.filter { $0.hasPrefix("import ") }
            let body = Self.words(example.lines.filter { !$0.hasPrefix("import ") })
            let isCompiled = files.contains { file in
                file.contains(body) && imports.allSatisfy { file.contains($0 + "\n") }
            }
            #expect(isCompiled, "not compiled as it stands:\n\(example.lines.joined(separator: "\n"))")
        }
    }

    @Test("the manifest's lines name this version and products that there are")
    func manifestLines() throws {
        let manifest = try String(contentsOf: Readme.root.appendingPathComponent("Package.swift"), encoding: .utf8)
        let lines = try Readme().blocks.filter(Self.isManifest).flatMap(\.lines)
        try #require(lines.count == 3)
        #expect(lines[0].hasSuffix("/stacks-api-swift\", from: \"\(StacksAPIVersion.current)\")"))
        for line in lines.dropFirst() {
            let product = try #require(line.split(separator: "\"").dropFirst().first)
            #expect(manifest.contains(".library(name: \"\(product)\""))
        }
    }

    private static func isManifest(_ block: Readme.Block) -> Bool {
        block.language == "swift" && block.lines.first?.hasPrefix(".") == true
    }

    /// The lines without their indentation, which differs inside a function, and without empty ones.
    private static func words(_ lines: [String]) -> String {
        lines.map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }.joined(separator: "\n") + "\n"
    }
}
