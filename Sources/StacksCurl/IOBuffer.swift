/// Owns the bytes of a request body at a stable address while libcurl sends them: an array's address is valid only within
/// a closure.
@safe struct UploadBuffer: ~Copyable {
    /// The largest buffer that is kept for the next call.
    private static var keptSize: Int { 16 * 1024 }

    private(set) var address: UnsafeMutableRawPointer
    private var capacity: Int

    init() {
        capacity = 512
        unsafe address = .allocate(byteCount: capacity, alignment: 1)
    }

    deinit {
        unsafe address.deallocate()
    }

    mutating func fill(with bytes: [UInt8]) {
        if bytes.count > capacity || (capacity > Self.keptSize && bytes.count <= Self.keptSize) {
            unsafe address.deallocate()
            capacity = max(bytes.count, 512)
            unsafe address = .allocate(byteCount: capacity, alignment: 1)
        }
        unsafe bytes.withUnsafeBytes { bytes in
            if let start = bytes.baseAddress { unsafe address.copyMemory(from: start, byteCount: bytes.count) }
        }
    }
}
