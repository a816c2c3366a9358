import Testing

@testable import StacksAPI

/// The reader against RFC 8259, by example.
@Suite struct JSONConformanceTests {
    private func outcome(_ document: [UInt8]) -> JSONError? {
        do throws(JSONError) {
            try JSONReader.read(document) { (reader) throws(JSONError) in try reader.skip() }
            return nil
        } catch {
            return error
        }
    }

    @Test(
        "well-formed documents are accepted",
        arguments: [
            "{}", "[]", " [ ] ", "\t{\n}\r ", "null", "true", "false", "0", "-0", "1", "-1", "0.5", "1e5", "1E+5",
            "1e-5",
            "123456789012345678901234567890", "1.0e999", "\"\"", "\"a\"", "\"\\u0000\"", "\"\\ud83d\\ude00\"", "\"é\"",
            "\"😀\"", "\"\u{7F}\"", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "[1,2]", "[[],{}]", "{\"a\":1}",
            "{\"a\":1,\"a\":2}", "{\"\":0}", "{\"a\":{\"b\":[null,true,{\"c\":\"d\"}]}}", "\"\u{2028}\"", "[1 , 2 ]",
            "{ \"a\" : 1 , \"b\" : 2 }", "\u{FEFF}[1]", "\u{FEFF} {}",
            "\"a string that is longer than eight bytes and then some\"",
        ])
    func accepts(_ document: String) {
        #expect(outcome(Array(document.utf8)) == nil)
    }

    @Test(
        "malformed documents are refused at the byte where they go wrong",
        arguments: [
            ("", 0), (" ", 1), ("{", 1), ("[", 1), ("[1", 2), ("[1,", 3), ("[1,]", 3), ("[,1]", 1), ("[1 2]", 3),
            ("{,}", 1),
            ("{\"a\"}", 4), ("{\"a\":}", 5), ("{\"a\":1,}", 7), ("{\"a\":1", 6), ("{a:1}", 1), ("{\"a\" 1}", 5),
            ("{1:1}", 1),
            ("]", 0), ("}", 0), ("[}", 1), ("{]", 1), ("[1}", 2), ("{\"a\":1]", 6), ("nul", 3), ("nulL", 0),
            ("True", 0),
            ("tru", 3), ("truE", 0), ("01", 0), ("-", 0), ("+1", 0), ("1.", 0), (".1", 0), ("1e", 0), ("1e+", 0),
            ("-01", 0),
            ("0x10", 1), ("1a", 1), ("NaN", 0), ("Infinity", 0), ("\"", 1), ("\"a", 2), ("\"\\", 2), ("\"\\\"", 3),
            ("\"\\x\"", 1), ("\"\\u\"", 1), ("\"\\u12\"", 1), ("\"\\u123g\"", 1), ("\"\\ud800\"", 1),
            ("\"\\udc00\"", 1),
            ("\"\\ud800\\u0041\"", 1), ("\"\\ud800x\"", 1), ("\"\\ud800\\ud800\"", 1), ("\"\n\"", 1), ("\"\u{0}\"", 1),
            ("\"12345678\u{1F}\"", 9), ("'a'", 0), ("1 2", 2), ("{}{}", 2), ("null,", 4), ("// c\n1", 0),
            ("\u{FEFF}", 3), (" \u{FEFF}1", 1), ("[\u{FEFF}1]", 1), ("\u{FEFF}\u{FEFF}1", 3),
            ("[1]\u{A0}", 3), ("<html>", 0),
        ] as [(String, Int)])
    func refuses(_ document: String, offset: Int) {
        #expect(outcome(Array(document.utf8))?.offset == offset)
    }

    @Test(
        "invalid UTF-8 is refused at the byte where it begins, whatever surrounds it",
        arguments: [
            [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF],
            [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xE2, 0x82], [0xE2, 0x82, 0x41], [0xF0, 0x80, 0x80, 0x80],
            [0xF0, 0x8F, 0xBF, 0xBF], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xF0, 0x9F, 0x98], [0xFE],
            [0xFF],
        ] as [[UInt8]])
    func refusesInvalidUTF8(_ sequence: [UInt8]) {
        for prefix in ["", "a", "1234567", "12345678", "é and more than eight bytes"] {
            for suffix in ["", "b", "and more than eight bytes after it"] {
                let document = Array("\"\(prefix)".utf8) + sequence + Array("\(suffix)\"".utf8)
                let error = outcome(document)
                #expect(error?.offset == 1 + prefix.utf8.count, "\(prefix) \(suffix)")
                #expect(error?.reason == .invalidUTF8)
            }
        }
    }

    @Test("every beginning of a document is refused as unfinished")
    func refusesTruncation() {
        let document = Array(#"{"a":[1,-2.5e3,true,null,"x\u00e9\n€"],"b":{"c":"d"}}"#.utf8)
        for count in 0..<document.count {
            let error = outcome(Array(document[..<count]))
            #expect(error != nil, "\(count) bytes")
        }
        #expect(outcome(document) == nil)
    }

    @Test("nesting is accepted up to its limit and refused beyond")
    func limitsDepth() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            func nested(_ depth: Int) -> [UInt8] {
                Array((String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)).utf8)
            }
            #expect(outcome(nested(JSONReader.maximumDepth)) == nil)
            let error = outcome(nested(JSONReader.maximumDepth + 1))
            #expect(error?.reason == .tooDeep)
            #expect(error?.offset == JSONReader.maximumDepth * open.utf8.count)
        }
        // Far beyond it neither the stack nor the time gives out.
        #expect(outcome(Array(repeating: UInt8(ascii: "["), count: 1_000_000))?.reason == .tooDeep)
    }

    @Test("an error tells the path to what is wrong")
    func tellsThePath() throws {
        let document = Array(#"{"errors":[{"x":{"y":"a,]}\""}},{"error":"b"},{"error":07}]}"#.utf8)
        do throws(JSONError) {
            _ = try JSONReader.read(document, NotificationResult.read)
            Issue.record("the document was accepted")
        } catch {
            #expect(error.description(in: document) == "a number is malformed at errors[2].error (byte 55)")
        }
    }

    @Test("a key of any length takes little of an error's path")
    func cropsThePath() {
        let document = Array("{\"\(String(repeating: "ä", count: 10_000))\":7}".utf8)
        let path = JSONPath.locate(offset: document.count - 2, in: document)
        #expect(path == String(repeating: "ä", count: 64) + "…")
    }
}
