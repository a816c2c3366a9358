import StacksTransport
import Synchronization

/// The path of an operation below the base URL, written once: `"stacks/\(.stackKey)/jobs/\(.job)"`.
struct PathTemplate: Sendable, ExpressibleByStringInterpolation {
    enum Parameter: String {
        case stackKey = "stack_key"
        case job = "job_uuid"
    }

    fileprivate enum Piece {
        case text(String)
        case parameter(Parameter)
    }

    private let pieces: [Piece]

    /// The template as spans show it: `stacks/{stack_key}/jobs/{job_uuid}`.
    let description: String

    private let hasStackKey: Bool
    private let hasJob: Bool

    struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var pieces: [Piece] = []

        init(literalCapacity: Int, interpolationCount: Int) {}

        mutating func appendLiteral(_ literal: String) {
            if !literal.isEmpty { pieces.append(.text(literal)) }
        }

        mutating func appendInterpolation(_ parameter: Parameter) { pieces.append(.parameter(parameter)) }
    }

    init(stringLiteral text: String) { self.init([.text(text)]) }

    init(stringInterpolation: StringInterpolation) { self.init(stringInterpolation.pieces) }

    private init(_ pieces: [Piece]) {
        self.pieces = pieces
        func has(_ wanted: Parameter) -> Bool {
            pieces.contains { if case .parameter(wanted) = $0 { true } else { false } }
        }
        hasStackKey = has(.stackKey)
        hasJob = has(.job)
        description = pieces.reduce(into: "") { description, piece in
            switch piece {
            case .text(let text): description += text
            case .parameter(let parameter): description += "{\(parameter.rawValue)}"
            }
        }
    }

    /// The path below `prefix`, with a value for each of its parameters. The stack's key must have been
    /// checked: it is not encoded.
    func path(below prefix: String, stack: String?, job: JobID?) -> String {
        precondition(
            (stack != nil || !hasStackKey) && (job != nil || !hasJob), "\(description) lacks a parameter")
        var path = prefix
        // One allocation: growing it takes one more for every doubling.
        path.reserveCapacity(
            prefix.utf8.count + description.utf8.count + (stack?.utf8.count ?? 0) + CanonicalUUID.length)
        for piece in pieces {
            switch piece {
            case .text(let text): path += text
            case .parameter(.stackKey): if let stack { path += stack }
            case .parameter(.job):
                // A UUID needs no encoding. Looking at each of its bytes takes a fourteenth of the instructions of a finish.
                if let job, case .uuid = job.storage {
                    path += job.description
                } else if let job {
                    PercentEncoding.append(job.description, to: &path)
                }
            }
        }
        return path
    }
}

/// The last path of each operation, for paths that differ in nothing but the stack's key: a client usually serves one stack,
/// and making the path takes an eighth of its instructions for a small call.
final class PathMemo: Sendable {
    private let prefix: String
    private let latest = Mutex<[(stack: String, path: String)?]>(
        Array(repeating: nil, count: StacksOperation.all.count))

    /// Paths below `prefix`.
    init(prefix: String) { self.prefix = prefix }

    /// The path of an operation; see ``PathTemplate/path(below:stack:job:)``.
    func path(_ definition: OperationDefinition, stack: String?, job: JobID?) -> String {
        guard let stack, job == nil else { return definition.path.path(below: prefix, stack: stack, job: job) }
        return latest.withLock { latest in
            let index = definition.operation.index
            if let known = latest[index], known.stack == stack { return known.path }
            let path = definition.path.path(below: prefix, stack: stack, job: nil)
            latest[index] = (stack, path)
            return path
        }
    }
}

/// Encodes any string as one segment of a path or one value of a query.
///
/// Only `A-Z`, `a-z`, `0-9`, `-`, `_` and `~` are not encoded. The dot is encoded although URLs allow it, because the
/// server accepts no dots in these segments.
enum PercentEncoding {
    static func append(_ segment: String, to path: inout String) {
        func staysAsIs(_ byte: UInt8) -> Bool { byte.isWordByte || byte == UInt8(ascii: "~") }
        if segment.utf8.allSatisfy(staysAsIs) {
            path += segment
            return
        }
        let digits = Array("0123456789ABCDEF".unicodeScalars)
        for byte in segment.utf8 {
            if staysAsIs(byte) {
                path.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                path.unicodeScalars.append("%")
                path.unicodeScalars.append(digits[Int(byte >> 4)])
                path.unicodeScalars.append(digits[Int(byte & 15)])
            }
        }
    }
}

extension UInt8 {
    /// Whether the byte is one of `A-Z`, `a-z`, `0-9`, `-` and `_`, which stacks' keys consist of. They need no encoding.
    var isWordByte: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            return true
        default:
            return false
        }
    }
}

/// The API's base URL, parsed once: the origin, and the prefix of every path.
struct BaseURL: Sendable, Equatable, CustomStringConvertible {
    /// Scheme, host and port, in lowercase and without a default port.
    let origin: String
    /// The base URL's own path, with a slash at both ends.
    let pathPrefix: String
    /// The host, in lowercase, an IPv6 address without brackets.
    let host: String
    /// The port; the scheme's default when none was given.
    let port: Int

    var description: String { origin + pathPrefix }

    /// Whether the path ends with the API's version, as Buildkite's own does.
    var endsWithVersion: Bool { pathPrefix.hasSuffix("/v3/") }

    init(_ text: String, allowsInsecureHTTP: Bool) throws(ConfigurationError) {
        func failure(_ problem: String) -> ConfigurationError {
            ConfigurationError("The base URL \(Self.shown(text)) \(problem)")
        }
        if text.utf8.contains(where: { $0 <= 0x20 || $0 >= 0x7F || $0 == UInt8(ascii: "\\") }) {
            throw failure("contains a space, a control character or another character that URLs do not allow.")
        }
        guard let colon = text.firstRange(of: "://") else {
            throw failure("has no scheme: it must begin with https:// or http://.")
        }
        let scheme = text[..<colon.lowerBound].lowercased()
        guard scheme == "https" || scheme == "http" else {
            throw failure("has a scheme that is neither https nor http.")
        }
        if text.contains("?") || text.contains("#") {
            throw failure("has a query or a fragment, which is not allowed.")
        }
        let rest = text[colon.upperBound...]
        let authority = rest.prefix { $0 != "/" }
        if authority.contains("@") {
            throw failure("has user info, which is not allowed: pass the agent token as the client's token.")
        }
        let host: Host
        do { host = try Host(authority) } catch { throw failure(error.problem) }
        if let problem = Self.problem(ofPath: rest[authority.endIndex...]) { throw failure(problem) }
        if scheme == "http", !host.isLoopback, !allowsInsecureHTTP {
            throw failure(
                "would send the token in plaintext to a host that is not loopback. Use https, or set "
                    + "allowsInsecureHTTP.")
        }
        let port = host.port == (scheme == "https" ? 443 : 80) ? nil : host.port
        origin = "\(scheme)://\(host.name)" + (port.map { ":\($0)" } ?? "")
        let path = rest[authority.endIndex...]
        pathPrefix = path.isEmpty ? "/" : path.hasSuffix("/") ? String(path) : "\(path)/"
        self.host = String(host.name.drop { $0 == "[" }.prefix { $0 != "]" })
        self.port = host.port ?? (scheme == "https" ? 443 : 80)
    }

    private static func problem(ofPath path: Substring) -> String? {
        for segment in path.split(separator: "/") where segment == "." || segment == ".." {
            return "has a path with the segment \"\(segment)\"."
        }
        let isPathByte: (UInt8) -> Bool = { byte in
            byte.isWordByte || "/.~!$&'()*+,;=:@%".utf8.contains(byte)
        }
        return path.utf8.allSatisfy(isPathByte) ? nil : "has a path with a character that must be percent-encoded."
    }

    /// The URL as an error shows it, without what may be a password or a misplaced token.
    private static func shown(_ text: String) -> String {
        Argument.quoted(Redaction().scrub(ShownURL.text(text)))
    }
}

/// The host and port of a URL.
private struct Host {
    struct Invalid: Error { let problem: String }

    let name: String
    let port: Int?
    let isLoopback: Bool

    init(_ authority: Substring) throws(Invalid) {
        let host: Substring
        var port: Substring?
        if authority.hasPrefix("[") {
            guard let bracket = authority.firstIndex(of: "]") else { throw Invalid(problem: "has a [ without a ].") }
            host = authority[...bracket]
            let rest = authority[authority.index(after: bracket)...]
            if rest.hasPrefix(":") {
                port = rest.dropFirst()
            } else if !rest.isEmpty {
                throw Invalid(problem: "has unexpected text between its host and its path.")
            }
        } else {
            host = authority.prefix { $0 != ":" }
            if host.endIndex != authority.endIndex { port = authority[host.endIndex...].dropFirst() }
        }
        self.port = try port.map { (text) throws(Invalid) in
            // The text is not shown: it may be a password that contains a slash.
            guard text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let port = Int(text), (1...65_535).contains(port)
            else { throw Invalid(problem: "has an invalid port; ports are 1 to 65535.") }
            return port
        }
        // The same name, in the form that every resolver accepts.
        let name = host.lowercased() == "localhost." ? "localhost" : host.lowercased()
        self.name = name
        if name.hasPrefix("[") {
            guard let groups = HostAddress.ipv6(name.dropFirst().dropLast()) else {
                throw Invalid(problem: "has a host in brackets that is not an IPv6 address.")
            }
            isLoopback = HostAddress.isLoopback(ipv6: groups)
        } else {
            if name.isEmpty { throw Invalid(problem: "has no host.") }
            guard name.utf8.allSatisfy({ $0.isWordByte || $0 == UInt8(ascii: ".") }) else {
                throw Invalid(problem: "has a host with characters other than letters, digits, '-', '_' and '.'.")
            }
            // An IPv4 address must have four parts: resolvers differ on shorter forms.
            isLoopback = name == "localhost" || HostAddress.dottedIPv4(name).map { $0 >> 24 == 127 } == true
        }
    }
}
