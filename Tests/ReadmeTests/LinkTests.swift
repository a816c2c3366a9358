import Foundation
import Testing

@Suite("The README")
struct LinkTests {
    private static func text(_ path: String) throws -> String {
        try String(contentsOf: Document.root.appendingPathComponent(path), encoding: .utf8)
    }

    /// The anchor that a web page gives to a heading.
    private static func anchor(of heading: Substring) -> String {
        heading.drop { $0 == "#" || $0 == " " }.lowercased().replacing(" ", with: "-")
            .filter { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" }
    }

    @Test("links to files and headings that exist")
    func links() throws {
        let readme = try Self.text("README.md")
        let links = readme.matches(of: /\]\(([^)]+)\)/).map { $0.1 }.filter { !$0.contains("://") }
        #expect(links.count > 15)
        for link in links {
            let parts = link.split(separator: "#", omittingEmptySubsequences: false).map(String.init)
            let path = parts[0].isEmpty ? "README.md" : parts[0]
            #expect(FileManager.default.fileExists(atPath: Document.root.appendingPathComponent(path).path), "\(link)")
            guard parts.count > 1 else { continue }
            let headings = try Self.text(path).split(separator: "\n").filter { $0.hasPrefix("#") }
            #expect(headings.map(Self.anchor).contains(parts[1]), "\(link)")
        }
    }

    @Test("takes no longer to read than 8 KB")
    func length() throws {
        #expect(try Self.text("README.md").utf8.count <= 8192)
    }

    @Test("says how many goals are not reached, as the first table of goals does")
    func goals() throws {
        let sections = try Self.text("Benchmarks/goals.md").components(separatedBy: "\n## ")
        let rows = try #require(sections.dropFirst().first).split(separator: "\n")
        let (reached, missed) = (rows.count { $0.hasSuffix("| yes |") }, rows.count { $0.hasSuffix("| **no** |") })
        try #require(reached > 0 && missed > 0)
        let sentence = "Of the \(reached + missed) [goals](Benchmarks/goals.md), \(missed) are not reached"
        #expect(try Self.text("README.md").contains(sentence), "\(sentence)")
    }

    @Test("shows the rows of the demo's table under the demo's own names")
    func demo() throws {
        let script = try Self.text("Scripts/demo")
        let rows = try Document("README.md").blocks.filter { $0.language == "text" }.flatMap(\.lines)
        try #require(rows.count > 3)
        for row in rows {
            let name = try #require(row.split(separator: #/  +/#).first)
            #expect(script.contains("row \"\(name)\""), "\(name)")
        }
    }
}
