import StacksAPI
import StacksCurl

/// What this tool is, and what it was built with.
struct BuildFacts {
    var version = StacksAPIVersion.current
    var curl: CurlBuild
    /// The compiler's version, without the last number.
    var swift: String
    var platform: String
    /// The values of `--transport` that this tool can use.
    var transports: [GlobalOptions.Transport]

    static var ofThisProcess: BuildFacts {
        BuildFacts(
            curl: .ofThisProcess, swift: compiler, platform: "\(system) \(architecture)",
            transports: GlobalOptions.Transport.allCases.filter(\.isBuiltIn))
    }

    /// The version alone.
    var short: CommandResult { CommandResult(members: ["version": .string(version)], lines: [version]) }

    /// Everything.
    var result: CommandResult {
        let transports = transports.map(\.rawValue)
        var properties = PropertyList()
        properties.add("stacksctl", version)
        properties.add("libcurl", curl.version)
        properties.add("libcurl headers", curl.headerVersion)
        properties.add("oldest libcurl", curl.oldestVersion)
        properties.add("TLS", curl.tlsLibrary ?? "no")
        properties.add("HTTP/2", curl.supportsHTTP2 ? "yes" : "no")
        properties.add("Swift", swift)
        properties.add("platform", platform)
        properties.add("transports", transports.joined(separator: ", "))
        return CommandResult(
            members: [
                "version": .string(version),
                "libcurl": [
                    "version": .string(curl.version), "header_version": .string(curl.headerVersion),
                    "oldest_supported_version": .string(curl.oldestVersion), "tls": JSONValue(curl.tlsLibrary),
                    "http2": .bool(curl.supportsHTTP2),
                ],
                "swift": .string(swift),
                "platform": .string(platform),
                "transports": .array(transports.map { .string($0) }),
            ],
            lines: properties.lines
        )
    }

    /// The compiler tells a program its version only by conditions.
    private static var compiler: String {
        #if compiler(>=6.5)
            "6.5 or newer"
        #elseif compiler(>=6.4)
            "6.4"
        #elseif compiler(>=6.3)
            "6.3"
        #else
            "6.2"
        #endif
    }

    private static var system: String {
        #if os(macOS)
            "macOS"
        #elseif canImport(Musl)
            "Linux (Musl)"
        #else
            "Linux"
        #endif
    }

    private static var architecture: String {
        #if arch(x86_64)
            "x86_64"
        #elseif arch(arm64)
            "arm64"
        #else
            "of another architecture"
        #endif
    }
}

extension GlobalOptions.Transport {
    /// Whether this tool was built with it.
    var isBuiltIn: Bool {
        switch self {
        case .curl: return true
        case .urlsession:
            #if URLSessionTool
                return true
            #else
                return false
            #endif
        }
    }
}
