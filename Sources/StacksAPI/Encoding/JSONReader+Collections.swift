extension JSONReader {
    /// The next value, an object of strings, or null. Of a name that stands twice the last value counts, and a null
    /// removes it.
    mutating func dictionary() throws(JSONError) -> [String: String]? {
        if try null() { return nil }
        var dictionary: [String: String] = [:]
        let first = try beginObject()
        while let key = try nextKey() {
            // A variable with its value takes some 50 bytes: room for as many as can follow, within reason.
            if dictionary.capacity == 0 { dictionary.reserveCapacity(min((end - start - first) / 50, 64)) }
            let name = key.string
            dictionary[name] = try optionalString()
        }
        return dictionary
    }

    /// The next value, an array of strings, or null, which counts as empty.
    mutating func strings() throws(JSONError) -> [String] {
        if try null() { return [] }
        var strings: [String] = []
        try beginArray()
        while try nextElement() { strings.append(try string()) }
        return strings
    }

    /// The next value, an array of identifiers, or null.
    mutating func identifiers<Resource>() throws(JSONError) -> [Identifier<Resource>]? {
        if try null() { return nil }
        var identifiers: [Identifier<Resource>] = []
        // A UUID takes 39 bytes with quotes and comma: room for as many as can follow, within reason.
        identifiers.reserveCapacity(min((end - cursor) / 39, 1000))
        try beginArray()
        while try nextElement() { identifiers.append(try identifier()) }
        return identifiers
    }

    /// The next value, an array of integers, or null, which counts as empty.
    mutating func ints() throws(JSONError) -> [Int] {
        if try null() { return [] }
        var ints: [Int] = []
        try beginArray()
        while try nextElement() { ints.append(try int()) }
        return ints
    }
}
