/// Remembers the keys of the last object read from one place of a list, in their order, and what each stands for.
///
/// The objects of a list have their keys in the same order. Where the next key has the bytes that were there last time,
/// colon included, it is the same key, and needs neither a scan nor a look at all the names that it could be.
struct JSONKeyMemo<Field> {
    fileprivate var known: [(bytes: UnsafeBufferPointer<UInt8>, field: Field)] = []
    fileprivate var index = 0

    init() {}

    /// To be called at the beginning of each object.
    mutating func start() { index = 0 }

    /// More keys than the API's objects have; a document with more of them makes the memo no larger.
    private static var places: Int { 32 }

    fileprivate mutating func remember(_ field: Field, _ bytes: UnsafeBufferPointer<UInt8>) {
        if index < known.count {
            known[index] = (bytes, field)
        } else if index < Self.places {
            known.append((bytes, field))
        }
    }
}

extension JSONReader {
    /// What the next key of the object stands for, by `field` unless `memo` remembers it; `nil` at the object's end.
    /// Otherwise like ``nextKey()``.
    @inline(__always)
    mutating func nextField<Field>(
        _ memo: inout JSONKeyMemo<Field>, _ field: (JSONKey) -> Field
    ) throws(JSONError) -> Field? {
        guard try hasNextKey() else { return nil }
        defer { memo.index += 1 }
        if memo.index < memo.known.count {
            let (bytes, field) = memo.known[memo.index]
            if pass(bytes) { return field }
        }
        let first = cursor
        let field = field(try readKey())
        try colon()
        memo.remember(field, UnsafeBufferPointer(start: first, count: cursor - first))
        return field
    }
}
