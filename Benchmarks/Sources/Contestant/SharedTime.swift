#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The time of a clock that two processes share, in nanoseconds since its start: a number in a file that both have mapped.
///
/// Unchecked, and safe because one thread of one process writes it, a number that is written whole; whoever reads it does so
/// for a request that was sent after the write.
package final class SharedTime: @unchecked Sendable {
    private let cell: UnsafeMutablePointer<Int64>

    /// - Parameter path: A file of at least eight bytes.
    package init?(path: String) {
        let file = open(path, O_RDWR)
        guard file >= 0 else { return nil }
        defer { close(file) }
        let size = MemoryLayout<Int64>.size
        guard let memory = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0), memory != MAP_FAILED else {
            return nil
        }
        cell = memory.bindMemory(to: Int64.self, capacity: 1)
    }

    deinit { munmap(cell, MemoryLayout<Int64>.size) }

    package var nanoseconds: Int64 {
        get { cell.pointee }
        set { cell.pointee = newValue }
    }
}
