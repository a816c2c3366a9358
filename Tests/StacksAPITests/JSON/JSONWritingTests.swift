import Foundation
import Testing

@testable import StacksAPI

@Suite("Strings are written as JSON")
struct JSONWritingTests {
    @Test("bodies on both sides of the size up to which they are written on the stack", arguments: 0..<2000)
    func sizes(_ length: Int) {
        let text = String(repeating: "a", count: length)
        #expect(JSONWriter.bytes(capacity: length + 2) { $0.string(text) } == Array("\"\(text)\"".utf8))
        #expect(JSONWriter.bytes(capacity: length + 20) { $0.string(text) } == Array("\"\(text)\"".utf8))
    }

    @Test("strings of every length with a special character at every position have the computed size")
    func strings() throws {
        for odd in ["\"", "\\", "\u{0}", "\u{1F}", "\n", "\u{7F}", "é", "🚀"] {
            for length in 0..<20 {
                for place in 0...length {
                    let text =
                        String(repeating: "a", count: place) + odd + String(repeating: "b", count: length - place)
                    let size = JSONWriter.size(text)
                    let bytes = JSONWriter.bytes(capacity: size) { $0.string(text) }
                    #expect(bytes.count == size)
                    #expect(try JSONDecoder().decode(String.self, from: Data(bytes)) == text)
                }
            }
        }
    }
}
