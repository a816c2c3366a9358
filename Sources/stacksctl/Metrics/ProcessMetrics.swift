import CoreMetrics

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

/// What this process uses, under the names that Prometheus' own clients have for it. It is read when it is asked for.
struct ProcessMetrics: Sendable {
    private let cpu: GaugeSeries?
    private let resident: Gauge
    private let virtual: Gauge
    private let open: Gauge
    private let limit: Gauge

    init(in registry: PrometheusRegistry, startedAt: Date) {
        func gauge(_ name: String) -> Gauge { Gauge(label: name, dimensions: [], factory: registry) }
        cpu = registry.sampledCounter("process_cpu_seconds_total")
        resident = gauge("process_resident_memory_bytes")
        virtual = gauge("process_virtual_memory_bytes")
        open = gauge("process_open_fds")
        limit = gauge("process_max_fds")
        gauge("process_start_time_seconds").record(startedAt.timeIntervalSince1970)
    }

    /// Reads all of it.
    func update() {
        cpu?.set(Self.cpuSeconds)
        if let memory = Self.memory {
            resident.record(memory.resident)
            virtual.record(memory.virtual)
        }
        if let count = Self.openDescriptors { open.record(count) }
        if let most = Self.descriptorLimit { limit.record(most) }
    }

    private static var cpuSeconds: Double {
        var usage = rusage()
        #if canImport(Glibc)
            let thisProcess = RUSAGE_SELF.rawValue
        #else
            let thisProcess = RUSAGE_SELF
        #endif
        guard getrusage(thisProcess, &usage) == 0 else { return 0 }
        return [usage.ru_utime, usage.ru_stime].reduce(0) { $0 + Double($1.tv_sec) + Double($1.tv_usec) * 1e-6 }
    }

    /// In bytes. On Linux alone: elsewhere the system tells no process's present size without its own interfaces.
    private static var memory: (virtual: Double, resident: Double)? {
        #if os(Linux)
            guard let file = fopen("/proc/self/statm", "re") else { return nil }
            defer { fclose(file) }
            var buffer = [CChar](repeating: 0, count: 256)
            guard fgets(&buffer, Int32(buffer.count), file) != nil else { return nil }
            let line = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            let pages = line.split(separator: " ").prefix(2).compactMap { Double($0) }
            guard pages.count == 2 else { return nil }
            let size = Double(sysconf(Int32(_SC_PAGESIZE)))
            return (pages[0] * size, pages[1] * size)
        #else
            return nil
        #endif
    }

    private static var openDescriptors: Double? {
        #if os(Linux)
            let directory = "/proc/self/fd"
        #else
            let directory = "/dev/fd"
        #endif
        guard let open = opendir(directory) else { return nil }
        defer { closedir(open) }
        var count = 0
        while let entry = readdir(open) {
            // The names are numbers, but for `.` and `..`.
            if entry.pointee.d_name.0 != CChar(UInt8(ascii: ".")) { count += 1 }
        }
        // One of them is that of the directory.
        return Double(max(0, count - 1))
    }

    private static var descriptorLimit: Double? {
        var limit = rlimit()
        #if canImport(Glibc)
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
            let resource = RLIMIT_NOFILE
        #endif
        guard getrlimit(resource, &limit) == 0 else { return nil }
        return Double(limit.rlim_cur)
    }
}
