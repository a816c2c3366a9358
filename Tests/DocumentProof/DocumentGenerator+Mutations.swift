extension DocumentGenerator {
    private static let bytes: [UInt8] =
        Array("\"\\{}[],:0-.eE+ tfnu/\n\u{1}ZT".utf8) + [0x00, 0x7F, 0x80, 0xA0, 0xBF, 0xC0, 0xC3, 0xED, 0xF4, 0xFF]

    private static let pieces: [[UInt8]] =
        [
            "null", "true", "false", "nul", "0", "-1", "1.5", "1e2", "01", "1e400", "-1e-400", "9223372036854775807",
            "9223372036854775808", "-9223372036854775808", "9007199254740993.0", "100000000000000000000e-20", "\"\"",
            "{}",
            "[]", "[null]", "{\"a\":1}", "\\u0000", "\\ud800", "\\udc00", "\\ud83d\\ude00", "\\u00e9", "\\n", "\\x",
            "é",
            "😀", "\u{FEFF}", "\u{A0}", "// c\n", "/* c */", ",,", "\"id\":\"x\",", "\"state\":null,", "NaN", "Infinity",
            "2024-02-29", "T23:59:60", "+24:00", ".1",
        ].map { Array($0.utf8) } + [
            [0xED, 0xA0, 0x80], [0xC0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82],
            Array(repeating: UInt8(ascii: "["), count: 130),
            Array(repeating: UInt8(ascii: "["), count: 130) + Array(repeating: UInt8(ascii: "]"), count: 130),
        ]

    /// The document with up to four things changed: most often it is not good any more.
    package mutating func mutated(_ document: [UInt8], with other: [UInt8]) -> [UInt8] {
        var document = document
        for _ in 0...(next() % 4) where !document.isEmpty { mutate(&document, other) }
        return document
    }

    private mutating func mutate(_ document: inout [UInt8], _ other: [UInt8]) {
        let index = Int(next() % UInt64(document.count))
        let range = index..<min(index + 1 + Int(next() % 12), document.count)
        switch next() % 12 {
        case 0: document[index] = pick(Self.bytes)
        case 1: document.remove(at: index)
        case 2: document.insert(pick(Self.bytes), at: index)
        case 3: document[index] ^= 1 << UInt8(next() % 8)
        case 4: document.removeSubrange(range)
        case 5: document.insert(contentsOf: Array(document[range]), at: index)
        case 6: document.insert(contentsOf: pick(Self.pieces), at: index)
        case 7: document.replaceSubrange(range, with: pick(Self.pieces))
        case 8: replaceValue(in: &document, after: index)
        case 9: replaceValue(in: &document, after: index)
        case 10 where !other.isEmpty:
            let cut = min(index, other.count)
            document.replaceSubrange(index..., with: other[cut...])
        default:
            if chance(8) { document.removeSubrange(index...) } else { document.swapAt(index, range.upperBound - 1) }
        }
    }

    /// Puts another value in the place of the next one that is no object or array: the kind of change that leaves a
    /// document well-formed.
    private mutating func replaceValue(in document: inout [UInt8], after index: Int) {
        guard let colon = document[index...].firstIndex(of: UInt8(ascii: ":")) else { return }
        let end = document[(colon + 1)...].firstIndex { ",}]{[".utf8.contains($0) } ?? document.count
        document.replaceSubrange((colon + 1)..<end, with: pick(Self.pieces))
    }
}
