#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Skipping a value that is well-formed but not the expected one, so that what surrounds it can be read.
extension JSONReader {
    /// A position to return to.
    struct Place {
        fileprivate let cursor: UnsafePointer<UInt8>
        fileprivate let depth: Int
    }

    /// The reader's position.
    var place: Place {
        @inline(__always) get { Place(cursor: cursor, depth: depth) }
    }

    /// The next value as `body` reads it; `nil` when it is something else, which is then skipped.
    ///
    /// This is how an unexpected value of an optional field or of a list does not fail the whole document. A document
    /// that is malformed at this value still throws.
    @inline(__always)
    mutating func valueIfReadable<Value>(
        _ body: (inout JSONReader) throws(JSONError) -> Value
    ) throws(JSONError) -> Value? {
        let place = place
        do throws(JSONError) {
            return try body(&self)
        } catch {
            _ = try passValue(at: place)
            return nil
        }
    }

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

    /// Returns to the beginning of a value and skips it. Only its form is checked, and not the contents of strings,
    /// half a surrogate pair for example.
    ///
    /// - Returns: The value's bytes.
    mutating func passValue(at place: Place) throws(JSONError) -> UnsafeBufferPointer<UInt8> {
        cursor = place.cursor
        depth = place.depth
        hasJustOpened = false
        _ = try peek()
        let first = cursor
        try passValue()
        return UnsafeBufferPointer(start: first, count: cursor - first)
    }

    private mutating func passValue() throws(JSONError) {
        switch try peek() {
        case UInt8(ascii: "\""):
            try passString()
        case UInt8(ascii: "{"):
            try beginObject()
            while try hasNextKey() {
                try passString()
                try colon()
                try passValue()
            }
        case UInt8(ascii: "["):
            try beginArray()
            while try nextElement() { try passValue() }
        default:
            try skip()
        }
    }

    /// Skips a string without checking its contents. The reader must be at its opening quote.
    private mutating func passString() throws(JSONError) {
        var position = cursor + 1
        while position < end, position.pointee != UInt8(ascii: "\"") {
            position += position.pointee == UInt8(ascii: "\\") ? 2 : 1
        }
        // An escape at the end can lead past it.
        guard position < end else { throw error(.unexpectedEnd, at: end) }
        cursor = position + 1
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
