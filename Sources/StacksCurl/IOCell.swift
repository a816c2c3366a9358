/// Owns memory that only the I/O thread touches.
///
/// A stored property of a class is looked after at run time, lest two accesses overlap, and each look costs as much as
/// what the callbacks do. Here nothing is checked. That is safe for values whose accesses run nothing but their own
/// code: what is read or changed there calls neither libcurl nor anything else that could come back to it.
@safe final class IOCell<Value> {
    private let pointer: UnsafeMutablePointer<Value>

    init(_ value: Value) {
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
