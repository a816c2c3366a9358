#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif
#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// When a process was started, as exactly as the system tells. With its number it identifies one process.
///
/// Times of different boots can be equal. They are compared only while the process holds its lock, which ends with the
/// boot.
struct ProcessStart: Equatable, Sendable {
    private let text: String

    /// The start time in a record.
    init?(_ text: some StringProtocol) {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2e }) else { return nil }
        self.text = String(text)
    }

    /// That of a running process; `nil` when there is none, or the system does not tell this process.
    init?(of process: pid_t) {
        #if canImport(Darwin)
            var facts = proc_bsdinfo()
            let size = Int32(MemoryLayout<proc_bsdinfo>.size)
            guard proc_pidinfo(process, PROC_PIDTBSDINFO, 0, &facts, size) == size else { return nil }
            self.init("\(facts.pbi_start_tvsec).\(facts.pbi_start_tvusec)")
        #else
            guard let fields = ProcessFacts.fields(of: process) else { return nil }
            self.init(String(decoding: fields[19], as: UTF8.self))
        #endif
    }

    /// The text in a record.
    var description: String { text }
}

#if !canImport(Darwin)
    /// What Linux tells about a process (proc_pid_stat(5)).
    enum ProcessFacts {
        /// The fields after the program's name, from the third, the state, to the 22nd, the time of its start, at least;
        /// `nil` when there is no such process.
        static func fields(of process: pid_t) -> [ArraySlice<UInt8>]? {
            let descriptor = open("/proc/\(process)/stat", O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { return nil }
            defer { close(descriptor) }
            let bytes = [UInt8](unsafeUninitializedCapacity: 1024) { buffer, count in
                count = max(0, read(descriptor, buffer.baseAddress, buffer.count))
            }
            // The name is in parentheses, and can contain anything.
            guard let end = bytes.lastIndex(of: UInt8(ascii: ")")) else { return nil }
            let fields = bytes[(end + 1)...].split(separator: UInt8(ascii: " "))
            return fields.count > 19 ? fields : nil
        }

        /// Whether a process runs. A process that has ended and was not reaped does not.
        static func runs(_ process: pid_t) -> Bool { fields(of: process).map(runs) ?? false }

        /// Whether a process of the group runs. This reads the facts of all processes.
        static func groupRuns(_ group: pid_t) -> Bool {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
            return names.contains { name in
                guard let process = pid_t(name), let fields = fields(of: process) else { return false }
                return runs(fields) && pid_t(String(decoding: fields[2], as: UTF8.self)) == group
            }
        }

        private static func runs(_ fields: [ArraySlice<UInt8>]) -> Bool {
            fields[0].first != UInt8(ascii: "Z") && fields[0].first != UInt8(ascii: "X")
        }
    }
#endif
