import StacksTransport
import Testing

@Suite("Untrusted text")
struct VisibleTextTests {
    @Test(
        "invisible characters are escaped",
        arguments: [
            ("plain – text, ümläut 🚀 العربية", "plain – text, ümläut 🚀 العربية"),
            ("a\nb\r\tc", "a\\nb\\r\\tc"),
            ("\u{0}\u{1B}[2J\u{7F}", "\\u{0}\\u{1b}[2J\\u{7f}"),
            ("\u{85}\u{9B}31m", "\\u{85}\\u{9b}31m"),
            ("\u{2028}\u{2029}", "\\u{2028}\\u{2029}"),
            (
                "\u{61C}\u{200E}\u{200F}\u{202A}\u{202E}\u{2066}\u{2069}",
                "\\u{61c}\\u{200e}\\u{200f}\\u{202a}\\u{202e}\\u{2066}\\u{2069}"
            ),
            ("\u{E0001}\u{E0041}\u{E007F}", "\\u{e0001}\\u{e0041}\\u{e007f}"),
            (
                "\u{AD}\u{200B}\u{200D}\u{2060}\u{3164}\u{FE0F}\u{FEFF}\u{E0100}",
                "\\u{ad}\\u{200b}\\u{200d}\\u{2060}\\u{3164}\\u{fe0f}\\u{feff}\\u{e0100}"
            ),
            ("\u{FFF0}\u{E0FFF}\u{FFFF}", "\\u{fff0}\\u{e0fff}\\u{ffff}"),
        ])
    func escapes(text: String, expected: String) {
        #expect(VisibleText.escaped(text) == expected)
        #expect(VisibleText.escaped(VisibleText.escaped(text)) == expected)
    }

    @Test("every control and format character is escaped, and no letter or digit is")
    func everyCharacter() {
        for value in (0..<0x11_0000 as Range<UInt32>) {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let category = scalar.properties.generalCategory
            let isDangerous = [.control, .lineSeparator, .paragraphSeparator, .format].contains(category)
            if isDangerous { #expect(VisibleText.isHidden(scalar), "\(String(value, radix: 16))") }
            if category == .lowercaseLetter || category == .uppercaseLetter || category == .decimalNumber {
                #expect(!VisibleText.isHidden(scalar), "\(String(value, radix: 16))")
            }
        }
    }

    @Test("a text is truncated, and the rest is not read")
    func bounded() {
        #expect(VisibleText.escaped("abcd", limit: 4) == "abcd")
        #expect(VisibleText.escaped("abcde", limit: 4) == "abcd…")
        #expect(VisibleText.escaped("äbcd", limit: 4) == "äbcd")
        #expect(VisibleText.escaped(String(repeating: "\u{202E}", count: 5), limit: 2) == "\\u{202e}\\u{202e}…")
        #expect(VisibleText.escaped(String(repeating: "x", count: 10_000_000), limit: 3) == "xxx…")
    }

    @Test("line feeds stay where they are allowed")
    func lines() {
        #expect(VisibleText.escaped("a\nb\r\u{1B}", keepsLines: true) == "a\nb\\r\\u{1b}")
    }

    @Test("a JSON document gets JSON's escapes and keeps its line feeds")
    func json() {
        #expect(
            VisibleText.escapedJSON("{\n  \"a\" : \"ü\u{9B}\u{202E}\u{E0041}\"\n}")
                == "{\n  \"a\" : \"ü\\u009b\\u202e\\udb40\\udc41\"\n}")
    }
}
