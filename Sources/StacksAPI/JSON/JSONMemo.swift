import StacksTransport

/// Remembers the last value read from one place of a list, together with its bytes.
///
/// What follows one another in a list often repeats itself: jobs of one pipeline carry the same rules. When the next
/// value begins with the same bytes it is the same value, and neither parsing nor allocation is needed.
///
/// It is for strings, arrays and objects, whose last byte ends them whatever follows. A number's does not.
struct JSONMemo<Value> {
    fileprivate var bytes: UnsafeBufferPointer<UInt8>?
    fileprivate var value: Value?

    init() {}
}

extension JSONReader {
    /// The next value, read by `body` unless it is the one that `memo` remembers.
    @inline(__always)
    mutating func value<Value>(
        _ memo: inout JSONMemo<Value>,
        _ body: (inout JSONReader) throws(JSONError) -> Value
    ) throws(JSONError) -> Value {
        _ = try peek()
        if let known = memo.bytes, let value = memo.value, end - cursor >= known.count,
            ByteComparison.areEqual(cursor, known.baseAddress!, known.count)
        {
            cursor += known.count
            return value
        }
        let first = cursor
        let value = try body(&self)
        memo.bytes = UnsafeBufferPointer(start: first, count: cursor - first)
        memo.value = value
        return value
    }
}
