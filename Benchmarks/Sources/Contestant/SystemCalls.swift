import ProcessProbe

/// The system calls that a process made while it carried out an order, by kind.
package struct SystemCalls: Codable, Sendable {
    package var sends: Int
    package var receives: Int
    /// To what is no socket. A byte that wakes an I/O thread is one.
    package var writes: Int
    package var reads: Int
    package var polls: Int
    package var socketOptions: Int

    static func start(_ probe: Order.Probe) {
        if probe == .counts { probe_system_calls(1) }
    }

    /// What was counted, or `nil` when nothing was or can be.
    static func end(_ probe: Order.Probe) -> SystemCalls? {
        guard probe == .counts, probe_can_count_system_calls() != 0 else { return nil }
        probe_system_calls(0)
        func count(_ kind: Int) -> Int { Int(probe_system_call_count(Int32(kind))) }
        return SystemCalls(
            sends: count(PROBE_SENDS), receives: count(PROBE_RECEIVES), writes: count(PROBE_WRITES),
            reads: count(PROBE_READS), polls: count(PROBE_POLLS), socketOptions: count(PROBE_SOCKET_OPTIONS))
    }
}
