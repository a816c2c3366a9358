#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// When a process was started, as exactly as the system tells: with its number, the name of one process.
///
/// The times of two boots of a machine can be equal. Who compares them knows already that the process lives, by the
/// lock that it holds, which does not outlive a boot.
struct ProcessStart: Equatable, Sendable {
    private let text: String

    /// What was written down.
    init?(_ text: some StringProtocol) {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2e }) else { return nil }
        self.text = String(text)
    }

    /// That of a process that runs now; `nil` when there is none, or it is not for this one to know.
    init?(of process: pid_t) {
        #if canImport(Darwin)
            var facts = proc_bsdinfo()
            let size = Int32(MemoryLayout<proc_bsdinfo>.size)
            guard proc_pidinfo(process, PROC_PIDTBSDINFO, 0, &facts, size) == size else { return nil }
            self.init("\(facts.pbi_start_tvsec).\(facts.pbi_start_tvusec)")
        #else
            let descriptor = open("/proc/\(process)/stat", O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { return nil }
            defer { close(descriptor) }
            let bytes = [UInt8](unsafeUninitializedCapacity: 1024) { buffer, count in
                count = max(0, read(descriptor, buffer.baseAddress, buffer.count))
            }
            // The name of the program, which may hold anything, is in parentheses; the time is the 22nd field, and the
            // state after the name the 3rd (proc_pid_stat(5)).
            guard let end = bytes.lastIndex(of: UInt8(ascii: ")")) else { return nil }
            let fields = bytes[(end + 1)...].split(separator: UInt8(ascii: " "))
            guard fields.count > 19 else { return nil }
            self.init(String(decoding: fields[19], as: UTF8.self))
        #endif
    }

    /// As it is written down.
    var description: String { text }
}
