import StacksTransport

/// A key of an object, as bytes. It is good until the next key is read.
///
/// `switch key { case "id": … }` compares the bytes.
struct JSONKey {
    let start: UnsafePointer<UInt8>
    let count: Int

    @inline(__always)
    static func ~= (name: StaticString, key: JSONKey) -> Bool {
        key.count == name.utf8CodeUnitCount && ByteComparison.areEqual(key.start, name.utf8Start, key.count)
    }

    var string: String { String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self) }

    /// The identifier that the key spells.
    func identifier<Resource>() -> Identifier<Resource> {
        Identifier(storage: IdentifierStorage(uuid: start, count: count) ?? .text(string))
    }
}
