import Foundation
import Testing

@Suite("The README's links")
struct LinkTests {
    @Test("every file that is linked to is there")
    func links() throws {
        let readme = try String(contentsOf: Document.root.appendingPathComponent("README.md"), encoding: .utf8)
        let links = readme.matches(of: /\]\(([^)#]+)\)/).map { String($0.1) }.filter { !$0.contains("://") }
        #expect(links.count > 15)
        for link in links {
            #expect(FileManager.default.fileExists(atPath: Document.root.appendingPathComponent(link).path), "\(link)")
        }
    }
}
