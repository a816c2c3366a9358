/// Writes a path into one piece of memory, of which a string is made at its end: a string that grows piece by piece
/// costs three times as much.
struct PathWriter: ~Copyable {
    private let start: UnsafeMutablePointer<UInt8>
    private let capacity: Int
    private var count = 0

    private init(_ start: UnsafeMutablePointer<UInt8>, capacity: Int) {
        self.start = start
        self.capacity = capacity
    }

    /// The path that `body` writes, of `capacity` bytes at most.
    static func path(capacity: Int, _ body: (inout PathWriter) -> Void) -> String {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: capacity) { buffer in
            guard let start = buffer.baseAddress else { return "" }
            var writer = PathWriter(start, capacity: capacity)
            body(&writer)
            return String(decoding: UnsafeBufferPointer(start: start, count: writer.count), as: UTF8.self)
        }
    }

    /// How many bytes an identifier takes at most.
    static func size(_ job: JobID) -> Int {
        switch job.storage {
        case .uuid: return CanonicalUUID.length
        // A byte that is encoded takes three.
        case .text(let text): return 3 * text.utf8.count
        }
    }

    /// Where the next `size` bytes go. That they fit is this package's own promise, never a matter of input.
    @inline(__always)
    private mutating func reserve(_ size: Int) -> UnsafeMutablePointer<UInt8> {
        precondition(size <= capacity - count, "a path is longer than computed")
        defer { count += size }
        return start + count
    }

    @inline(__always)
    mutating func append(_ text: StaticString) {
        reserve(text.utf8CodeUnitCount).update(from: text.utf8Start, count: text.utf8CodeUnitCount)
    }

    mutating func append(_ text: String) {
        let target = UnsafeMutableRawBufferPointer(start: reserve(text.utf8.count), count: text.utf8.count)
        target.copyBytes(from: text.utf8)
    }

    /// An identifier as one segment.
    mutating func append(_ job: JobID) {
        switch job.storage {
        case .uuid(let high, let low):
            CanonicalUUID.write(high: high, low: low, to: UnsafeMutableRawPointer(reserve(CanonicalUUID.length)))
        case .text(let text):
            var segment = ""
            PercentEncoding.append(text, to: &segment)
            append(segment)
        }
    }
}
