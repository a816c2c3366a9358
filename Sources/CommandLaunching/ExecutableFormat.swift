#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Checks the format of an executable file, because a shell hides that the system cannot execute one: it runs the file as a
/// script, so that an empty file succeeds, and a program for another processor is a syntax error.
enum ExecutableFormat {
    /// Why the system cannot execute the file, or `nil` if it probably can. That may pass: a file that is being replaced
    /// can look like that.
    static func trouble(with file: String) -> String? {
        guard let beginning = beginning(of: file) else { return nil }
        if beginning.starts(with: "#!".utf8) { return interpreterTrouble(beginning.dropFirst(2)) }
        if understandsOthers || isMachineCode(beginning) { return nil }
        return beginning.isEmpty
            ? "it is empty" : "it is neither a program for this machine nor a script that begins with #!"
    }

    private static func interpreterTrouble(_ line: ArraySlice<UInt8>) -> String? {
        let words = line.prefix { $0 != UInt8(ascii: "\n") }
            .split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        guard let first = words.first else { return nil }
        let interpreter = String(decoding: first, as: UTF8.self)
        // A relative one depends on the command's working directory.
        guard interpreter.hasPrefix("/"), access(interpreter, X_OK) != 0 else { return nil }
        return "its interpreter \(interpreter) cannot be executed"
    }

    private static func isMachineCode(_ file: [UInt8]) -> Bool {
        #if os(Linux)
            guard file.count >= 20, let own = beginning(of: "/proc/self/exe"), own.count >= 20 else {
                return file.starts(with: [0x7f, 0x45, 0x4c, 0x46])
            }
            // The byte order has to be that of this program (elf(5)). The word size may differ: a 64-bit kernel executes
            // the programs of its machine's 32-bit predecessor too.
            guard file[..<4] == own[..<4], file[5] == own[5] else { return false }
            let isBigEndian = own[5] == 2
            func machine(_ header: [UInt8]) -> UInt16 {
                let (first, second) = (UInt16(header[18]), UInt16(header[19]))
                return isBigEndian ? first << 8 | second : second << 8 | first
            }
            return machine(file) == machine(own) || predecessors[machine(own)]?.contains(machine(file)) == true
        #else
            return !file.isEmpty
        #endif
    }

    #if os(Linux)
        /// The machines (`e_machine` in elf(5)) whose programs the kernel of another one may execute: 386 on x86-64, 32-bit
        /// Arm on AArch64, PowerPC on its 64-bit version, SPARC on SPARC V9.
        private static let predecessors: [UInt16: Set<UInt16>] = [62: [3], 183: [40], 21: [20], 43: [2, 18]]
    #endif

    /// Whether the system has handlers for other formats (binfmt_misc): programs of other machines, for example.
    private static var understandsOthers: Bool {
        guard let directory = opendir("/proc/sys/fs/binfmt_misc") else { return false }
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil { count += 1 }
        // `.`, `..`, `register` and `status` always exist.
        return count > 4
    }

    /// The first bytes; `nil` when they cannot be read: a program can be executable and not readable.
    private static func beginning(of file: String) -> [UInt8]? {
        let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var count = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: 256) { buffer, initialized in
            count = read(descriptor, buffer.baseAddress, buffer.count)
            initialized = max(0, count)
        }
        return count < 0 ? nil : bytes
    }
}
