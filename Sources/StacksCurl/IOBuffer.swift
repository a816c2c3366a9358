/// Owns bytes at a stable address, which only the I/O thread accesses: a request's body while libcurl sends it, the header
/// lines of a response while they arrive. An array's address is valid only within a closure, and appending a short line to
/// an array takes three times the instructions.
@safe struct IOBuffer: ~Copyable {
    /// The largest buffer that is kept for the next call.
    private static var keptSize: Int { 16 * 1024 }
    private static var smallestSize: Int { 512 }

    private(set) var address: UnsafeMutableRawPointer
    private(set) var count = 0
    private(set) var capacity: Int

    init() {
        capacity = Self.smallestSize
        unsafe address = .allocate(byteCount: capacity, alignment: 1)
    }

    deinit {
        unsafe address.deallocate()
    }

    /// The bytes, until the next change.
    var bytes: UnsafeBufferPointer<UInt8> {
        unsafe UnsafeBufferPointer(start: address.assumingMemoryBound(to: UInt8.self), count: count)
    }

    @inline(__always)
    mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard let start = bytes.baseAddress else { return }
        if bytes.count > capacity - count { resize(to: max(2 * capacity, count + bytes.count)) }
        unsafe (address + count).copyMemory(from: start, byteCount: bytes.count)
        count += bytes.count
    }

    /// Replaces the bytes.
    mutating func fill(with bytes: [UInt8]) {
        count = 0
        if bytes.count <= Self.keptSize { removeAll() }
        unsafe bytes.withUnsafeBufferPointer { unsafe append($0) }
    }

    mutating func removeAll() {
        count = 0
        if capacity > Self.keptSize { resize(to: Self.smallestSize) }
    }

    @inline(never)
    private mutating func resize(to capacity: Int) {
        let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 1)
        unsafe larger.copyMemory(from: address, byteCount: count)
        unsafe address.deallocate()
        unsafe address = larger
        self.capacity = capacity
    }
}
