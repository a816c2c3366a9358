import ProcessProbe

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// What a process allocated while it carried out an order.
package struct Allocations: Codable, Sendable {
    /// A place in the program that allocates.
    package struct Site: Codable, Sendable {
        package var count: Int
        package var bytes: Int
        /// The functions from the allocation outwards, those of allocators and runtime left out.
        package var functions: [String]
    }

    package var count: Int
    package var bytes: Int
    /// Most allocations first.
    package var sites: [Site]

    static func start(_ probe: Order.Probe) {
        switch probe {
        case .nothing: break
        case .counts: probe_allocations(Int32(PROBE_COUNT))
        case .allocationSites: probe_allocations(Int32(PROBE_SITES))
        }
    }

    /// What was counted, or `nil` when nothing was or can be.
    static func end(_ probe: Order.Probe) -> Allocations? {
        guard probe != .nothing, probe_can_count_allocations() != 0 else { return nil }
        probe_allocations(Int32(PROBE_OFF))
        return Allocations(
            count: Int(probe_allocation_count()), bytes: Int(probe_allocation_bytes()),
            sites: probe == .allocationSites ? namedSites() : [])
    }

    /// Different ways into the same functions are one place.
    private static func namedSites() -> [Site] {
        var sites: [[String]: Site] = [:]
        var names: [UnsafeMutableRawPointer: String] = [:]
        for index in 0..<probe_site_count() {
            guard let site = probe_site_at(index)?.pointee else { continue }
            let frames = withUnsafeBytes(of: site.frames) { bytes in
                Array(bytes.bindMemory(to: UnsafeMutableRawPointer?.self).prefix(Int(site.depth))).compactMap { $0 }
            }
            let named = frames.map { frame in
                if let name = names[frame] { return name }
                // A return address is the instruction after the call, which can be the next function's first.
                let name = self.name(of: frame - 1)
                names[frame] = name
                return name
            }
            let functions = functions(named)
            sites[functions, default: Site(count: 0, bytes: 0, functions: functions)].count += Int(site.count)
            sites[functions]?.bytes += Int(site.bytes)
        }
        return sites.values.sorted { $0.count > $1.count }
    }

    /// What a reader wants to know: past the allocator and the runtime, three functions that have names, each once.
    private static func functions(_ frames: [String]) -> [String] {
        let runtime = ["swift_", "_swift_", "operator new", "CRYPTO_", "libstdc++"]
        let rest = frames.drop { frame in runtime.contains { frame.hasPrefix($0) } }
        var functions: [String] = []
        for frame in rest where functions.last != frame && functions.count < 3 { functions.append(frame) }
        return functions
    }

    private static func name(of address: UnsafeMutableRawPointer) -> String {
        var function: UnsafePointer<CChar>?
        var file: UnsafePointer<CChar>?
        probe_symbol(address, &function, &file)
        if let function {
            let mangled = String(cString: function)
            guard mangled.hasPrefix("$s"), let text = swift_demangle(function, mangled.utf8.count, nil, nil, 0) else {
                return mangled
            }
            defer { free(text) }
            return short(String(cString: text))
        }
        return file.map { String(String(cString: $0).split(separator: "/").last ?? "?") } ?? "?"
    }

    /// Without what the compiler made of the function, and without its arguments.
    private static func short(_ name: String) -> String {
        var name = name[...]
        for prefix in [
            "generic specialization", "function signature specialization", "merged", "outlined", "closure",
            "partial apply",
        ] where name.hasPrefix(prefix) {
            if let of = name.firstRange(of: " of ") { name = name[of.upperBound...] }
        }
        if let end = name.firstIndex(of: "("), end != name.startIndex { name = name[..<end] }
        return String(name.prefix(110))
    }
}
