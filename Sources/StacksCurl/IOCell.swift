/// Owns a value that only the I/O thread accesses, without exclusivity checks.
///
/// Swift checks accesses to a class's stored properties for overlap at run time, which costs as much as the work of the
/// callbacks. Skipping the check is safe here because no access overlaps another: during an access, no code runs that
/// calls libcurl or otherwise reaches the value again.
@safe final class IOCell<Value: ~Copyable> {
    private let pointer: UnsafeMutablePointer<Value>

    init(_ value: consuming Value) {
        unsafe pointer = .allocate(capacity: 1)
        unsafe pointer.initialize(to: value)
    }

    deinit {
        unsafe pointer.deinitialize(count: 1)
        unsafe pointer.deallocate()
    }

    var value: Value {
        @inline(__always) _read { yield unsafe pointer.pointee }
        @inline(__always) _modify { yield unsafe &pointer.pointee }
    }
}
