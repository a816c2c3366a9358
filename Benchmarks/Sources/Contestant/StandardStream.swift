#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Where a program writes, straight to the descriptor: bytes and lines must stay in order.
enum StandardStream: Int32 {
    case output = 1
    case error = 2

    func write(_ text: String) {
        Array(text.utf8).withUnsafeBytes { write($0[...]) }
    }

    /// Everything, or as much as the reader takes before it is gone.
    func write(_ bytes: Slice<UnsafeRawBufferPointer>) {
        var rest = bytes
        while !rest.isEmpty {
            let count = Self.write(rawValue, UnsafeRawBufferPointer(rebasing: rest))
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    private static func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
        #if canImport(Darwin)
            Darwin.write(descriptor, bytes.baseAddress, bytes.count)
        #elseif canImport(Musl)
            Musl.write(descriptor, bytes.baseAddress, bytes.count)
        #else
            Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        #endif
    }
}
