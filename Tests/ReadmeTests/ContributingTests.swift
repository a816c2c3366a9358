import Foundation
import Testing

@Suite("The article for contributors")
struct ContributingTests {
    @Test("names every script")
    func scripts() throws {
        let scripts = Document.root.appendingPathComponent("Scripts")
        let article = try String(
            contentsOf: Document.root.appendingPathComponent("Sources/StacksAPI/StacksAPI.docc/Contributing.md"),
            encoding: .utf8)
        for script in try FileManager.default.contentsOfDirectory(atPath: scripts.path) where !script.contains(".") {
            #expect(article.contains("| `Scripts/\(script)` |"), "\(script)")
        }
    }

    @Test("leads along files that there are")
    func files() throws {
        let article = try String(
            contentsOf: Document.root.appendingPathComponent("Sources/StacksAPI/StacksAPI.docc/Contributing.md"),
            encoding: .utf8)
        for match in article.matches(of: /`((?:Stacks|stacksctl)[A-Za-z]*\/[A-Za-z+\/.]+)`/) {
            let path = Document.root.appendingPathComponent("Sources/\(match.1)").path
            #expect(FileManager.default.fileExists(atPath: path), "\(match.1)")
        }
        for match in article.matches(of: /^\d\. `([A-Z][A-Za-z+\/.]+)`/.anchorsMatchLineEndings()) {
            let path = Document.root.appendingPathComponent("Sources").path
            let exists = ["", "StacksAPI/"].contains {
                FileManager.default.fileExists(atPath: "\(path)/\($0)\(match.1)")
            }
            #expect(exists, "\(match.1)")
        }
    }
}
