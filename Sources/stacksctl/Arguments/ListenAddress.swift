import ArgumentParser
import StacksTransport

/// Where the status server listens: `127.0.0.1:9464`, `[::1]:9464` or `build-1.example:9464`.
struct ListenAddress: Sendable, Equatable, CustomStringConvertible {
    /// A name or an address; an IPv6 address without brackets.
    var host: String
    /// 0 for any that is free.
    var port: Int

    /// - Throws: An error that says what is right; the parser adds the option and its value.
    init(parsing argument: String) throws {
        guard let colon = argument.lastIndex(of: ":"), let port = Self.port(argument[argument.index(after: colon)...])
        else {
            throw ValidationError("It must be HOST:PORT with a port from 0 to 65535, such as 127.0.0.1:9464.")
        }
        var host = String(argument[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
            guard HostAddress.ipv6(host[...]) != nil else {
                throw ValidationError("What is in brackets must be an IPv6 address, such as [::1]:9464.")
            }
        } else if host.contains(":") {
            throw ValidationError("An IPv6 address must be in brackets, such as [::1]:9464.")
        }
        guard !host.isEmpty else {
            throw ValidationError(
                "It must say on which address: 127.0.0.1:PORT for this machine alone, 0.0.0.0:PORT for all.")
        }
        guard host.utf8.count <= 253, host.utf8.allSatisfy({ 0x21...0x7E ~= $0 && $0 != UInt8(ascii: "/") }) else {
            throw ValidationError("The host must be a name or an address of at most 253 characters.")
        }
        (self.host, self.port) = (host, port)
    }

    private static func port(_ text: Substring) -> Int? {
        guard (1...5).contains(text.utf8.count), text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }), let port = Int(text),
            port <= 65_535
        else { return nil }
        return port
    }

    /// The host as it is in a URL.
    var urlHost: String { host.contains(":") ? "[\(host)]" : host }

    var description: String { "\(urlHost):\(port)" }

    /// Whether it listens on every address of this machine.
    var isEverywhere: Bool {
        HostAddress.dottedIPv4(host) == 0 || HostAddress.ipv6(host[...])?.allSatisfy { $0 == 0 } == true
    }

    /// Whether nothing but this machine can reach it.
    var isLoopback: Bool { !isEverywhere && HostAddress.isLoopback(host) }
}
