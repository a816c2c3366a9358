import Foundation
import StacksAPI
import Testing

@Suite("The Swift examples of the README, the articles and the documentation comments")
struct CompiledExampleTests {
    /// Where examples are compiled. Those outside the folder are also run by tests.
    private static let places = [
        "Tests/ReadmeTests/Examples", "Tests/StacksControllerTests/DocumentedStackTests.swift",
        "Tests/StacksAPITests/Outbox/OutboxArticleExamples.swift",
    ]

    @Test(
        "every one stands word for word in a file that is compiled with the tests",
        arguments: Document.all.filter { $0.blocks.contains { $0.language == "swift" && !$0.isManifest } })
    func examplesAreCompiled(_ document: Document) throws {
        let files = try Self.files()
        for example in document.blocks where example.language == "swift" && !example.isManifest {
            // The imports stand at the top of a file, and the rest inside a function.
            let imports = example.lines.filter { $0.hasPrefix("import ") }
            let body = Self.words(example.lines.filter { !$0.hasPrefix("import ") })
            let isCompiled = files.contains { file in
                file.contains("\n" + body) && imports.allSatisfy { file.contains("\n" + $0 + "\n") }
            }
            #expect(isCompiled, "not compiled as it stands:\n\(example.lines.joined(separator: "\n"))")
        }
    }

    @Test("all documents are found")
    func documents() {
        #expect(Document.all.count { $0.path.hasSuffix(".md") } >= 10)
        #expect(Document.all.count { $0.path.hasSuffix(".swift") } >= 8)
    }

    @Test("nothing in the files of examples is left out by the compiler")
    func examplesAreNotHidden() throws {
        for file in try Self.files() {
            for hiding in ["/*", "#if", "\"\"\"", "@available"] { #expect(!file.contains(hiding), "\(hiding)") }
        }
    }

    @Test("the manifest's lines name this version and products that there are")
    func manifestLines() throws {
        let manifest = try String(contentsOf: Document.root.appendingPathComponent("Package.swift"), encoding: .utf8)
        let libraries = try #require(manifest.split(separator: "products: [").last?.prefix { $0 != "]" })
        let blocks = Document.all.flatMap(\.blocks).filter(\.isManifest)
        try #require(blocks.count >= 2)
        for line in blocks.flatMap(\.lines) {
            if line.hasPrefix(".package(") {
                // A release, or a clone, which has no tag; each with a trait that there is or without one.
                let package = try #require(
                    line.wholeMatch(
                        of:
                            /\.package\(url: "(https|file):\/\/[^"]*\/stacks-api-swift", (from: "[^"]+"|branch: "main")(, traits: \["(\w+)"\])?\),/
                    ), "\(line)")
                let isRelease = package.1 == "https"
                #expect(
                    package.2 == (isRelease ? "from: \"\(StacksAPIVersion.current)\"" : "branch: \"main\""), "\(line)")
                if let trait = package.4 { #expect(manifest.contains("name: \"\(trait)\", description:"), "\(line)") }
            } else {
                let product = try #require(line.split(separator: "\"").dropFirst().first)
                #expect(line.hasPrefix(".product("), "\(line)")
                #expect(libraries.contains("\"\(product)\""), "\(line)")
            }
        }
    }

    /// The files of examples, each as its words.
    private static func files() throws -> [String] {
        try places.flatMap { place in
            let path = Document.root.appendingPathComponent(place).path
            let names = try? FileManager.default.contentsOfDirectory(atPath: path)
            return names?.filter { $0.hasSuffix(".swift") }.map { "\(path)/\($0)" } ?? [path]
        }.map { "\n" + words(try String(contentsOfFile: $0, encoding: .utf8).components(separatedBy: "\n")) }
    }

    /// The lines without their indentation, which differs inside a function, and without empty ones.
    private static func words(_ lines: [String]) -> String {
        lines.map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }.joined(separator: "\n") + "\n"
    }
}
