extension JSONReader {
    /// A string as it stands in the document, without its quotes.
    struct RawString {
        let start: UnsafePointer<UInt8>
        let count: Int
        let hasEscapes: Bool

        var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: start, count: count) }
    }

    /// The next value, a string.
    mutating func string() throws(JSONError) -> String {
        guard try peek() == UInt8(ascii: "\"") else { throw mismatch("a string") }
        let raw = try scanString()
        if raw.hasEscapes { return String(decoding: try unescape(raw), as: UTF8.self) }
        return String(decoding: raw.bytes, as: UTF8.self)
    }

    /// The next value, a string or null.
    mutating func optionalString() throws(JSONError) -> String? {
        try null() ? nil : try string()
    }

    /// The next value, the string of an identifier.
    mutating func identifier<Resource>() throws(JSONError) -> Identifier<Resource> {
        guard try peek() == UInt8(ascii: "\"") else { throw mismatch("a string") }
        // The common case, 36 characters and a quote, needs no scan of its own: the parser checks every byte.
        let text = cursor + 1
        if end - text > CanonicalUUID.length, text[CanonicalUUID.length] == UInt8(ascii: "\""),
            let storage = IdentifierStorage(uuid: text, count: CanonicalUUID.length)
        {
            cursor = text + CanonicalUUID.length + 1
            return Identifier(storage: storage)
        }
        return Identifier(try string())
    }

    /// The next value, the string of an identifier or null.
    mutating func optionalIdentifier<Resource>() throws(JSONError) -> Identifier<Resource>? {
        try null() ? nil : try identifier()
    }

    /// The next key, where the reader stands at its opening quote.
    @inline(__always)
    mutating func readKey() throws(JSONError) -> JSONKey {
        let raw = try scanString()
        return raw.hasEscapes ? try unescapeKey(raw) : JSONKey(start: raw.start, count: raw.count)
    }

    @inline(never)
    private mutating func unescapeKey(_ raw: RawString) throws(JSONError) -> JSONKey {
        let bytes = keepUnescaped(try unescape(raw))
        return JSONKey(start: bytes.baseAddress!, count: bytes.count)
    }

    mutating func skipString() throws(JSONError) {
        let raw = try scanString()
        if raw.hasEscapes { _ = try unescape(raw) }
    }

    // MARK: Scanning

    /// Passes over a string, where the reader stands at its opening quote, and checks all of it but its escapes.
    @inline(__always)
    mutating func scanString() throws(JSONError) -> RawString {
        let text = cursor + 1
        var position = text
        var nonASCII: UInt64 = 0
        var hasEscapes = false
        while true {
            // Eight bytes at a time, as far as there are eight: past what is neither quote, backslash nor control
            // character.
            while end - position >= 8 {
                let word = UInt64(littleEndian: UnsafeRawPointer(position).loadUnaligned(as: UInt64.self))
                let stops = Self.stops(in: word)
                if stops == 0 {
                    nonASCII |= word
                    position += 8
                    continue
                }
                let bit = stops.trailingZeroBitCount & ~7
                nonASCII |= word & ((1 << UInt64(bit)) &- 1)
                position += bit >> 3
                break
            }
            while position < end, position.pointee >= 0x20, position.pointee != UInt8(ascii: "\""),
                position.pointee != UInt8(ascii: "\\")
            {
                nonASCII |= UInt64(position.pointee)
                position += 1
            }
            guard position < end else { throw error(.unexpectedEnd, at: end) }
            if position.pointee == UInt8(ascii: "\"") { break }
            guard position.pointee == UInt8(ascii: "\\") else {
                throw error(.controlCharacter(position.pointee), at: position)
            }
            hasEscapes = true
            // Whatever is escaped cannot end the string.
            guard end - position >= 2 else { throw error(.unexpectedEnd, at: end) }
            position += 2
        }
        let raw = RawString(start: text, count: position - text, hasEscapes: hasEscapes)
        if nonASCII & 0x8080_8080_8080_8080 != 0, let invalid = UTF8Validation.firstInvalidByte(in: raw.bytes) {
            throw error(.invalidUTF8, at: text + invalid)
        }
        cursor = position + 1
        return raw
    }

    /// Sets the top bit of the first byte that is a quote, a backslash or a control character; bits above that one may
    /// be set wrongly, because the subtraction borrows.
    @inline(__always)
    static func stops(in word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quote = word ^ (ones &* 0x22)
        let backslash = word ^ (ones &* 0x5C)
        return ((quote &- ones) & ~quote | (backslash &- ones) & ~backslash | (word &- ones &* 0x20) & ~word)
            & (ones &* 0x80)
    }

    // MARK: Escapes

    @inline(never)
    private func unescape(_ raw: RawString) throws(JSONError) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(raw.count)
        let limit = raw.start + raw.count
        var position = raw.start
        while position < limit {
            guard position.pointee == UInt8(ascii: "\\") else {
                let run = position
                while position < limit, position.pointee != UInt8(ascii: "\\") { position += 1 }
                bytes.append(contentsOf: UnsafeBufferPointer(start: run, count: position - run))
                continue
            }
            let escape = position
            position += 2
            switch escape[1] {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): bytes.append(escape[1])
            case UInt8(ascii: "b"): bytes.append(0x08)
            case UInt8(ascii: "f"): bytes.append(0x0C)
            case UInt8(ascii: "n"): bytes.append(0x0A)
            case UInt8(ascii: "r"): bytes.append(0x0D)
            case UInt8(ascii: "t"): bytes.append(0x09)
            case UInt8(ascii: "u"):
                let scalar = try unescapeScalar(at: escape, limit: limit, &position)
                bytes.append(contentsOf: UTF8.encode(scalar)!)
            default: throw error(.invalidEscape, at: escape)
            }
        }
        return bytes
    }

    /// The character of the `\uXXXX` at `escape`, or of the two of a surrogate pair; moves `position` past them.
    private func unescapeScalar(
        at escape: UnsafePointer<UInt8>,
        limit: UnsafePointer<UInt8>,
        _ position: inout UnsafePointer<UInt8>
    ) throws(JSONError) -> Unicode.Scalar {
        let first = try hexadecimal(at: escape, limit: limit)
        position = escape + 6
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard first < 0xDC00, limit - position >= 2, position[0] == UInt8(ascii: "\\"), position[1] == UInt8(ascii: "u")
        else { throw error(.loneSurrogate, at: escape) }
        let second = try hexadecimal(at: position, limit: limit)
        guard second >= 0xDC00, second <= 0xDFFF,
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw error(.loneSurrogate, at: escape) }
        position += 6
        return scalar
    }

    /// The four digits of the `\uXXXX` at `escape`.
    private func hexadecimal(
        at escape: UnsafePointer<UInt8>, limit: UnsafePointer<UInt8>
    ) throws(JSONError) -> UInt32 {
        guard limit - escape >= 6 else { throw error(.invalidEscape, at: escape) }
        var value: UInt32 = 0
        for index in 2..<6 {
            let byte = escape[index]
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt32(byte & 0x0F)
            case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"):
                value = value << 4 | UInt32(byte & 0x0F) + 9
            default: throw error(.invalidEscape, at: escape)
            }
        }
        return value
    }
}
