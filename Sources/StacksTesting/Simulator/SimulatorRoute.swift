import HTTPTypes

/// A parsed request path.
struct SimulatorRoute {
    var operation: SimulatedOperation
    var row: OperationRow
    /// The values in the path, by the names that they have in the row.
    private var values: [(name: String, value: String)]
    var query: [String: String] = [:]

    /// The stack's key, empty if the path has none.
    var stack: String { self["stack"] ?? "" }
    /// The job's UUID as it was sent, empty if the path has none.
    var job: String { self["job"] ?? "" }
    /// The build's UUID as it was sent, or `nil` if the path has none.
    var build: String? { self["build"] }
    /// The context of an annotation, empty if the path has none.
    var context: String { self["context"] ?? "" }
    /// The ID of a batch of artifacts, empty if the path has none.
    var batch: String { self["batch"] ?? "" }

    private subscript(_ name: String) -> String? { values.first { $0.name == name }?.value }
}

/// A path of an operation, taken apart.
private struct RoutePattern: Sendable {
    enum Segment {
        case literal(String)
        case value(name: String)
    }

    var operation: SimulatedOperation
    var row: OperationRow
    var segments: [Segment]

    /// All paths, by the number of their segments.
    static let all: [Int: [RoutePattern]] = {
        var patterns: [Int: [RoutePattern]] = [:]
        for operation in SimulatedOperation.allCases {
            let row = operation.row
            for path in row.paths {
                let segments = path.split(separator: "/").map { segment in
                    segment.first == ":" ? Segment.value(name: String(segment.dropFirst())) : .literal(String(segment))
                }
                patterns[segments.count, default: []].append(
                    RoutePattern(operation: operation, row: row, segments: segments))
            }
        }
        return patterns
    }()

    /// The values in a path, or `nil` when it is another one.
    func values(in path: [String]) -> [(name: String, value: String)]? {
        var values: [(name: String, value: String)] = []
        for (pattern, segment) in zip(segments, path) {
            switch pattern {
            case .literal(let literal): guard literal == segment else { return nil }
            case .value(let name): values.append((name, segment))
            }
        }
        return values
    }
}

extension SimulatorRoute {
    /// - Parameter basePath: The prefix of all paths, without a trailing slash: `/v3`.
    /// - Throws: 404 without a matching route, 400 for invalid percent-encoding.
    init(method: HTTPRequest.Method, target: String, basePath: String) throws(Refusal) {
        // By bytes: they are all that a server sees, and cost less than characters.
        let parts = target.utf8.split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
        let path = Substring(parts[0])
        let prefix = basePath.utf8.count
        guard path.utf8.starts(with: basePath.utf8), path.utf8.dropFirst(prefix).first == UInt8(ascii: "/") else {
            throw .noRoute(method: method, path: path)
        }
        var segments: [String] = []
        for segment in path.utf8.dropFirst(prefix + 1)
            .split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        {
            // Rails parses an unencoded dot as the start of a format, so that such a path matches no route.
            guard !segment.contains(UInt8(ascii: ".")), !segment.isEmpty else {
                throw .noRoute(method: method, path: path)
            }
            segments.append(try Self.decode(Substring(segment), plusIsSpace: false))
        }
        for pattern in RoutePattern.all[segments.count] ?? [] where pattern.row.method == method {
            guard let values = pattern.values(in: segments) else { continue }
            self.init(operation: pattern.operation, row: pattern.row, values: values)
            if parts.count == 2 { query = try Self.parse(query: Substring(parts[1])) }
            return
        }
        throw .noRoute(method: method, path: path)
    }

    private static func parse(query: Substring) throws(Refusal) -> [String: String] {
        var values: [String: String] = [:]
        for pair in query.utf8.split(separator: UInt8(ascii: "&")) {
            let sides = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
                .map { Substring($0) }
            let name = try decode(sides[0], plusIsSpace: true)
            values[name] = sides.count == 2 ? try decode(sides[1], plusIsSpace: true) : ""
        }
        return values
    }

    private static func decode(_ text: Substring, plusIsSpace: Bool) throws(Refusal) -> String {
        guard let bytes = PercentEncoding.decode(text, plusIsSpace: plusIsSpace) else {
            throw .badRequest("The percent-encoding of the path or query is invalid.")
        }
        guard let decoded = String(validating: bytes, as: UTF8.self) else {
            throw .badRequest("The path or query is not valid UTF-8.")
        }
        return decoded
    }
}
