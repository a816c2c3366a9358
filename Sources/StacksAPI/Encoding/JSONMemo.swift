/// Remembers the last values read from one place of a list, with their bytes.
///
/// Values of a list often repeat: jobs of one pipeline have the same rules. When the next value has the same bytes, it
/// is the same value, and needs no parsing and no allocation. Without it, decoding 1000 jobs takes 1.6 times the
/// instructions.
///
/// Only for strings, arrays and objects, whose last byte ends them whatever follows. A number's does not.
struct JSONMemo<Value> {
    /// The latest value. It is separate from the others because most lists need no more, and so allocate nothing.
    fileprivate var bytes: UnsafeBufferPointer<UInt8>?
    fileprivate var value: Value?
    fileprivate var earlier: [(bytes: UnsafeBufferPointer<UInt8>, value: Value)] = []
    /// How many values are remembered besides the latest.
    private let places: Int
    /// Which of the earlier values is replaced next.
    private var oldest = 0

    /// - Parameter count: The most values to remember.
    init(count: Int = 1) { places = count - 1 }

    fileprivate mutating func remember(_ newValue: Value, _ newBytes: UnsafeBufferPointer<UInt8>) {
        if places > 0, let bytes, let value {
            if earlier.count < places {
                earlier.reserveCapacity(places)
                earlier.append((bytes, value))
            } else {
                earlier[oldest] = (bytes, value)
                oldest = oldest + 1 == places ? 0 : oldest + 1
            }
        }
        bytes = newBytes
        value = newValue
    }
}

extension JSONReader {
    /// The next value: one that `memo` remembers, or else read by `body`.
    @inline(__always)
    mutating func value<Value>(
        _ memo: inout JSONMemo<Value>,
        _ body: (inout JSONReader) throws(JSONError) -> Value
    ) throws(JSONError) -> Value {
        _ = try peek()
        if let bytes = memo.bytes, pass(bytes), let value = memo.value { return value }
        for index in memo.earlier.indices where pass(memo.earlier[index].bytes) { return memo.earlier[index].value }
        let first = cursor
        let value = try body(&self)
        memo.remember(value, UnsafeBufferPointer(start: first, count: cursor - first))
        return value
    }

    /// Skips these bytes, if they are next.
    @inline(__always)
    mutating func pass(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard end - cursor >= bytes.count, ByteComparison.areEqual(cursor, bytes.baseAddress!, bytes.count) else {
            return false
        }
        cursor += bytes.count
        return true
    }
}

/// Remembers the keys of the last object read from one place of a list, in their order, with the field of each.
///
/// The objects of a list usually have their keys in the same order. When the next key has the same bytes as last time,
/// with the comma before it and the colon after it, it is the same key, and needs neither a scan nor comparisons with all
/// names. Without it, decoding 1000 jobs takes 1.3 times the instructions.
struct JSONKeyMemo<Field> {
    fileprivate var known: [(bytes: UnsafeBufferPointer<UInt8>, field: Field)] = []
    fileprivate var index = 0

    init() {}

    /// Call this at the beginning of each object.
    mutating func start() { index = 0 }

    /// More keys than the API's objects have. Further keys of an object are not remembered.
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
    /// The field of the object's next key: the one that `memo` remembers, or else from `field`; `nil` at the object's
    /// end. Otherwise like ``nextKey()``.
    @inline(__always)
    mutating func nextField<Field>(
        _ memo: inout JSONKeyMemo<Field>, _ field: (JSONKey) -> Field
    ) throws(JSONError) -> Field? {
        if memo.index < memo.known.count, pass(memo.known[memo.index].bytes) {
            // Behind the opening bracket or a value, as when these bytes were read.
            hasJustOpened = false
            memo.index += 1
            return memo.known[memo.index - 1].field
        }
        let first = cursor
        guard try hasNextKey() else { return nil }
        let field = field(try readKey())
        try colon()
        memo.remember(field, UnsafeBufferPointer(start: first, count: cursor - first))
        memo.index += 1
        return field
    }
}

/// Compares runs of bytes a word at a time, inlined where it is used. With `memcmp`, decoding 1000 jobs takes 1.1 times the
/// instructions.
enum ByteComparison {
    @inline(__always)
    static func areEqual(_ lhs: UnsafePointer<UInt8>, _ rhs: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        let lhs = UnsafeRawPointer(lhs)
        let rhs = UnsafeRawPointer(rhs)
        func difference<Word: FixedWidthInteger & BitwiseCopyable>(at offset: Int, _: Word.Type) -> Word {
            lhs.loadUnaligned(fromByteOffset: offset, as: Word.self)
                ^ rhs.loadUnaligned(fromByteOffset: offset, as: Word.self)
        }
        func ends<Word: FixedWidthInteger & BitwiseCopyable>(with word: Word.Type) -> Bool {
            difference(at: 0, word) | difference(at: count - MemoryLayout<Word>.size, word) == 0
        }
        // The last word ends with the last byte. It may overlap the word before it.
        if count > 16 {
            var offset = 0
            while offset < count - 16 {
                guard difference(at: offset, UInt64.self) | difference(at: offset + 8, UInt64.self) == 0 else {
                    return false
                }
                offset += 16
            }
            return difference(at: count - 16, UInt64.self) | difference(at: count - 8, UInt64.self) == 0
        }
        if count >= 8 { return ends(with: UInt64.self) }
        if count >= 4 { return ends(with: UInt32.self) }
        if count >= 2 { return ends(with: UInt16.self) }
        return count == 0 || difference(at: 0, UInt8.self) == 0
    }
}
