import Foundation

/// What a run's figures depend on besides the code.
struct Machine: Codable, Sendable {
    enum InstructionCounting: String, Codable, Sendable {
        /// By the processor, the kernel's included.
        case counters
        /// By Valgrind, without the kernel's.
        case valgrind
    }

    var cores: Int
    /// The processor's name, as the system gives it.
    var processor: String
    /// The system's name and version.
    var system: String
    /// The compiler, as far as it makes a difference.
    var swift: String
    /// How instructions were counted; `nil` if they were not.
    var instructionCounting: InstructionCounting?
    /// The average number of running processes over the last minute.
    var loadBefore: Double
    var loadAfter = 0.0

    /// This one, before anything is measured.
    static var current: Machine {
        Machine(
            cores: ProcessInfo.processInfo.activeProcessorCount, processor: field("model name") ?? "unknown processor",
            system: systemName, swift: compiler, loadBefore: load)
    }

    /// One line for people, the same for every run on this kind of machine.
    var title: String {
        let counters = instructionCounting == .counters ? "with" : "without"
        return "\(cores) cores of \(processor) \(counters) counters, \(system), Swift \(swift)"
    }

    static var load: Double {
        var averages = [0.0, 0, 0]
        return getloadavg(&averages, 3) > 0 ? averages[0] : .nan
    }

    /// Vendor and family of the processor, which decide how much an instruction does.
    static var processorFamily: String {
        let values = ["vendor_id", "cpu family", "CPU implementer", "CPU part"].compactMap(field)
        return values.isEmpty ? "unknown" : values.joined(separator: " ")
    }

    /// A field of `/proc/cpuinfo`, where the kernel tells it there.
    private static func field(_ name: String) -> String? {
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        return text.split(separator: "\n").first { $0.hasPrefix(name) }?.split(separator: ":").last
            .map { $0.trimmingCharacters(in: .whitespaces) }
    }

    /// With the first two numbers of the version: the others change with every update.
    private static var systemName: String {
        var name = utsname()
        uname(&name)
        func text<Field>(_ field: Field) -> String {
            withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        }
        return "\(text(name.sysname)) \(text(name.release).split(separator: ".").prefix(2).joined(separator: "."))"
    }

    /// The version that this was compiled with.
    static var compiler: String {
        #if compiler(>=6.4)
            "6.4 or newer"
        #elseif compiler(>=6.3)
            "6.3"
        #else
            "6.2"
        #endif
    }
}
