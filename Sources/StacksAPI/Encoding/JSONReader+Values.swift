#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension JSONReader {
    mutating func bool() throws(JSONError) -> Bool {
        switch try peek() {
        case UInt8(ascii: "t"):
            try literal("true")
            return true
        case UInt8(ascii: "f"):
            try literal("false")
            return false
        default:
            throw mismatch("a boolean")
        }
    }

    /// The next value, an integer.
    mutating func int() throws(JSONError) -> Int {
        let first = try peek()
        let isNegative = first == UInt8(ascii: "-")
        guard isNegative || (first &- 0x30) < 10 else { throw mismatch("an integer") }
        let number = cursor
        var position = isNegative ? cursor + 1 : cursor
        let digits = position
        var value: UInt = 0
        // 18 digits cannot overflow; a longer number takes the slow path. If all did, decoding 1000 jobs would take 1.1
        // times the instructions.
        while position < end, position.pointee &- 0x30 < 10, position - digits < 18 {
            value = value &* 10 &+ UInt(position.pointee &- 0x30)
            position += 1
        }
        let isPlain = position == end || !Self.continuesNumber(position.pointee)
        if isPlain, position > digits, digits.pointee != UInt8(ascii: "0") || position - digits == 1 {
            cursor = position
            return isNegative ? -Int(value) : Int(value)
        }
        try skipNumber()
        return try integer(from: number, to: cursor)
    }

    /// The next value, an integer or null.
    mutating func optionalInt() throws(JSONError) -> Int? {
        try null() ? nil : try int()
    }

    @inline(__always)
    private static func continuesNumber(_ byte: UInt8) -> Bool {
        byte &- 0x30 < 10 || byte == UInt8(ascii: ".") || byte | 0x20 == UInt8(ascii: "e")
    }

    /// Skips a number and checks its form: `-`? (0 | 1…9 digits) (`.` digits)? (`e` sign? digits)?
    mutating func skipNumber() throws(JSONError) {
        let number = cursor
        var position = cursor
        func digits(_ position: inout UnsafePointer<UInt8>) -> Int {
            let first = position
            while position < end, position.pointee &- 0x30 < 10 { position += 1 }
            return position - first
        }
        if position.pointee == UInt8(ascii: "-") { position += 1 }
        let leading = position
        let count = digits(&position)
        var isValid = count == 1 || count > 1 && leading.pointee != UInt8(ascii: "0")
        if position < end, position.pointee == UInt8(ascii: ".") {
            position += 1
            isValid = digits(&position) > 0 && isValid
        }
        if position < end, position.pointee | 0x20 == UInt8(ascii: "e") {
            position += 1
            if position < end, position.pointee == UInt8(ascii: "+") || position.pointee == UInt8(ascii: "-") {
                position += 1
            }
            isValid = digits(&position) > 0 && isValid
        }
        guard isValid else { throw error(.invalidNumber, at: number) }
        cursor = position
    }

    /// The integer value of a well-formed number of any length.
    private func integer(
        from number: UnsafePointer<UInt8>, to limit: UnsafePointer<UInt8>
    ) throws(JSONError) -> Int {
        let text = String(decoding: UnsafeBufferPointer(start: number, count: limit - number), as: UTF8.self)
        if let value = Int(text) { return value }
        // With a fraction or an exponent: exact while a double holds every integer of that size.
        guard text.utf8.contains(where: { $0 == UInt8(ascii: ".") || $0 | 0x20 == UInt8(ascii: "e") }),
            let value = Double(text), value.magnitude < 9_007_199_254_740_992, let integer = Int(exactly: value)
        else { throw error(.numberOutOfRange, at: number) }
        return integer
    }
}

extension JSONReader {
    /// The next value, an object of strings, or null. If a name occurs twice, the last value counts; null removes it.
    mutating func dictionary() throws(JSONError) -> [String: String]? {
        if try null() { return nil }
        var dictionary: [String: String] = [:]
        let first = try beginObject()
        while let key = try nextKey() {
            // A variable with its value takes about 50 bytes: reserves room for as many as can follow, but at most 64.
            if dictionary.capacity == 0 { dictionary.reserveCapacity(min((end - start - first) / 50, 64)) }
            let name = key.string
            dictionary[name] = try optionalString()
        }
        return dictionary
    }

    /// The next value, an array of strings; null counts as empty.
    mutating func strings() throws(JSONError) -> [String] {
        if try null() { return [] }
        var strings: [String] = []
        try beginArray()
        while try nextElement() { strings.append(try string()) }
        return strings
    }

    /// The next value, an array of identifiers, or null. Elements that are something else are left out.
    mutating func identifiers<Resource>() throws(JSONError) -> [Identifier<Resource>]? {
        if try null() { return nil }
        var identifiers: [Identifier<Resource>] = []
        // A UUID takes 39 bytes with quotes and comma: reserves room for as many as can follow, but at most 1000.
        identifiers.reserveCapacity(min((end - cursor) / 39, 1000))
        try beginArray()
        while try nextElement() {
            if let identifier: Identifier<Resource> = try identifierOrNil() { identifiers.append(identifier) }
        }
        return identifiers
    }

    /// The next value if it is an array of identifiers, without elements that are something else; empty for any other
    /// value.
    mutating func identifiersOrEmpty<Resource>() throws(JSONError) -> [Identifier<Resource>] {
        let identifiers: [Identifier<Resource>]?? = try valueIfReadable { (reader) throws(JSONError) in
            try reader.identifiers()
        }
        return (identifiers ?? nil) ?? []
    }
}

/// Values that may be something else than expected.
extension JSONReader {
    /// The next value if it is a string; `nil` for any other value.
    mutating func stringOrNil() throws(JSONError) -> String? {
        try valueIfReadable { (reader) throws(JSONError) in try reader.string() }
    }

    /// The next value if it is an identifier; `nil` for any other value.
    mutating func identifierOrNil<Resource>() throws(JSONError) -> Identifier<Resource>? {
        try valueIfReadable { (reader) throws(JSONError) in try reader.identifier() }
    }

    /// The next value if it is a date; `nil` for any other value.
    mutating func dateOrNil() throws(JSONError) -> Date? {
        try valueIfReadable { (reader) throws(JSONError) in try reader.date() }
    }

    /// The next value if it is an integer; `nil` for any other value.
    mutating func intOrNil() throws(JSONError) -> Int? {
        try valueIfReadable { (reader) throws(JSONError) in try reader.int() }
    }

    /// The next value if it is a boolean, with null as `false`; `nil` for any other value.
    mutating func boolOrNil() throws(JSONError) -> Bool? {
        try valueIfReadable { (reader) throws(JSONError) in try reader.null() ? false : try reader.bool() }
    }

    /// Skips a key and returns whether it is `name`. The reader must be at its opening quote.
    private mutating func passKey(_ name: StaticString) throws(JSONError) -> Bool {
        let quote = cursor
        do throws(JSONError) {
            return name ~= (try readKey())
        } catch {
            cursor = quote
            try passString()
            return false
        }
    }

    /// The member `name` of the object at a position, if it is an identifier. The object has been skipped before,
    /// so it is well-formed; afterwards the reader is behind it again.
    mutating func identifier<Resource>(named name: StaticString, at place: Place) -> Identifier<Resource>? {
        cursor = place.cursor
        depth = place.depth
        hasJustOpened = false
        var identifier: Identifier<Resource>?
        do throws(JSONError) {
            guard try peek() == UInt8(ascii: "{") else {
                try passValue()
                return nil
            }
            try beginObject()
            while try hasNextKey() {
                let isNamed = try passKey(name)
                try colon()
                guard isNamed else {
                    try passValue()
                    continue
                }
                identifier = try identifierOrNil()
            }
        } catch {
            // Not reached: the object has been skipped before.
            return nil
        }
        return identifier
    }
}
