/// Passing over a value that is well-formed and not what it should be, so that what stands around it can be read.
extension JSONReader {
    /// A place in the document to go back to.
    struct Place {
        fileprivate let cursor: UnsafePointer<UInt8>
        fileprivate let depth: Int
    }

    /// Where the reader stands.
    var place: Place {
        @inline(__always) get { Place(cursor: cursor, depth: depth) }
    }

    /// Goes back to where a value begins and passes over it. Its form alone counts: what a string holds, half a surrogate
    /// pair for example, is not looked at.
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

    /// Passes over a string whatever it holds, where the reader stands at its opening quote.
    private mutating func passString() throws(JSONError) {
        var position = cursor + 1
        while position < end, position.pointee != UInt8(ascii: "\"") {
            position += position.pointee == UInt8(ascii: "\\") ? 2 : 1
        }
        // An escape at the very end can lead past it.
        guard position < end else { throw error(.unexpectedEnd, at: end) }
        cursor = position + 1
    }

    /// Passes over a key, where the reader stands at its opening quote, and returns whether it is `name`.
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

    /// The member `name` of the object that begins at a place, as far as it is an identifier; the reader stands behind the
    /// object afterwards. The object is well-formed: it has been passed over.
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
            // Not reached with an object that has been passed over.
            return nil
        }
        return identifier
    }
}
