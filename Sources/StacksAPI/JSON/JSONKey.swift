import StacksTransport

/// A key of an object, as bytes. It is good until the next string is read.
///
/// `switch key { case "id": … }` compares the bytes.
struct JSONKey {
    private let raw: JSONReader.RawString

    @inline(__always)
    init(_ raw: JSONReader.RawString) { self.raw = raw }

    @inline(__always)
    static func ~= (name: StaticString, key: JSONKey) -> Bool {
        key.raw.count == name.utf8CodeUnitCount
            && ByteComparison.areEqual(key.raw.start, name.utf8Start, key.raw.count)
    }

    var string: String { String(raw) }

    /// The identifier that the key spells.
    var identifierStorage: IdentifierStorage {
        IdentifierStorage(uuid: raw.start, count: raw.count) ?? .text(string)
    }
}
