#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Tells one start of the machine from another: numbers and start times of processes begin again with each.
enum BootID {
    /// A UUID of the system's; `nil` when the system does not tell.
    static let current: String? = {
        #if canImport(Darwin)
            var bytes = [UInt8](repeating: 0, count: 64)
            var count = bytes.count
            guard sysctlbyname("kern.bootsessionuuid", &bytes, &count, nil, 0) == 0 else { return nil }
            let text = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        #else
            guard let file = try? OpenFile("/proc/sys/kernel/random/boot_id", O_RDONLY) else { return nil }
            defer { file.close() }
            let text = (try? file.beginning(64))?.filter { !$0.isNewline } ?? ""
        #endif
        return text.isEmpty ? nil : text
    }()
}
