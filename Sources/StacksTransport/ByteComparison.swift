/// Compares bytes a word at a time.
@usableFromInline
package enum ByteComparison {
    @inlinable
    @inline(__always)
    package static func areEqual(_ lhs: UnsafePointer<UInt8>, _ rhs: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        let lhs = UnsafeRawPointer(lhs)
        let rhs = UnsafeRawPointer(rhs)
        var offset = 0
        while count - offset >= 8 {
            if lhs.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                != rhs.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            {
                return false
            }
            offset += 8
        }
        while offset < count {
            if lhs.load(fromByteOffset: offset, as: UInt8.self) != rhs.load(fromByteOffset: offset, as: UInt8.self) {
                return false
            }
            offset += 1
        }
        return true
    }
}
