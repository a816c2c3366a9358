/// Owns the latencies of an order, in nanoseconds, each written once by the call whose number it has.
///
/// Unchecked, and safe because no two calls have the same number, and they are read after the last call has ended.
package final class Latencies: @unchecked Sendable {
    package let values: UnsafeMutableBufferPointer<UInt64>

    package init(capacity: Int) {
        // Not initialized: pages that no call writes are not to count as memory in use.
        values = .allocate(capacity: capacity)
    }

    deinit { values.deallocate() }
}
