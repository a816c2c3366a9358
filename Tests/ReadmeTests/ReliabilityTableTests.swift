import Foundation
import Testing

@Suite("The table of faults")
struct ReliabilityTableTests {
    /// What a cell may say instead of naming a test.
    private static let reasons = ["n/a: ", "declared: "]

    /// Suites and their tests, `ConnectFaultTests.refused` for example, as they stand in the sources.
    private static func testNames() throws -> Set<String> {
        let folder = Document.root.appendingPathComponent("Tests")
        let files = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
        var names: Set<String> = []
        for case let file as URL in files where file.pathExtension == "swift" {
            names.formUnion(testNames(in: try String(contentsOf: file, encoding: .utf8)))
        }
        return names
    }

    static func testNames(in source: String) -> [String] {
        var (suite, isTest, names) = ("", false, [String]())
        for line in source.split(separator: "\n").map({ $0.trimmingCharacters(in: .whitespaces) }) {
            if line.hasPrefix("@Test") { isTest = true }
            if line.hasPrefix("struct "), line.contains("Tests") {
                suite = String(line.dropFirst(7).prefix { $0.isLetter || $0.isNumber })
            }
            guard isTest, let range = line.range(of: "func ") else { continue }
            names.append("\(suite).\(line[range.upperBound...].prefix { $0 != "(" })")
            isTest = false
        }
        return names
    }

    @Test("a test is known by the suite and the function that it is, and nothing else is one")
    func recognition() {
        let source = """
            struct FirstTests {
                func setUp() {}
                @Test("one") func one() {}
                @Test(
                    "two", arguments: [1])
                func two(number: Int) {}
                func three() {}
            }
            """
        #expect(Self.testNames(in: source) == ["FirstTests.one", "FirstTests.two"])
    }

    @Test("every cell names a test that there is, or says why there can be none")
    func cells() throws {
        let article = Document.root.appendingPathComponent("Sources/StacksCurl/StacksCurl.docc/Reliability.md")
        let text = try String(contentsOf: article, encoding: .utf8)
        let lines = text.components(separatedBy: "\n").drop { !$0.hasPrefix("| Fault |") }.prefix { $0.hasPrefix("|") }
        let names = try Self.testNames()
        try #require(lines.count > 50)
        for line in lines.dropFirst(2) {
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            try #require(cells.count == 4, "\(line)")
            for cell in cells.dropFirst() where !Self.reasons.contains(where: { cell.hasPrefix($0) }) {
                #expect(names.contains(cell.trimmingCharacters(in: ["`"])), "\(cells[0]): no test is called \(cell)")
            }
            #expect(cells.dropFirst().contains { $0.hasPrefix("`") }, "\(cells[0]) is shown by no test")
        }
    }
}
