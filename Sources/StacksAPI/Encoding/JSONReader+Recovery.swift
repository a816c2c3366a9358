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
                let value = self.place
                guard isNamed else {
                    try passValue()
                    continue
                }
                do throws(JSONError) {
                    identifier = try optionalIdentifier()
                } catch {
                    identifier = nil
                    _ = try passValue(at: value)
                }
            }
        } catch {
            // Not reached: the object has been skipped before.
            return nil
        }
        return identifier
    }
}
