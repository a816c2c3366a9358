/// Compares runs of bytes a word at a time, inlined where it is used. With `memcmp`, decoding 1000 jobs takes 1.1 times the
/// instructions.
enum ByteComparison {
    @inline(__always)
    static func areEqual(_ lhs: UnsafePointer<UInt8>, _ rhs: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        let lhs = UnsafeRawPointer(lhs)
        let rhs = UnsafeRawPointer(rhs)
        func areEqual<Word: FixedWidthInteger & BitwiseCopyable>(at offset: Int, _: Word.Type) -> Bool {
            lhs.loadUnaligned(fromByteOffset: offset, as: Word.self)
                == rhs.loadUnaligned(fromByteOffset: offset, as: Word.self)
        }
        // The last word is the one that ends with the last byte. It may overlap the word before it.
        if count >= 8 {
            var offset = 0
            while offset < count - 8 {
                guard areEqual(at: offset, UInt64.self) else { return false }
                offset += 8
            }
            return areEqual(at: count - 8, UInt64.self)
        }
        if count >= 4 { return areEqual(at: 0, UInt32.self) && areEqual(at: count - 4, UInt32.self) }
        if count >= 2 { return areEqual(at: 0, UInt16.self) && areEqual(at: count - 2, UInt16.self) }
        return count == 0 || areEqual(at: 0, UInt8.self)
    }
}
