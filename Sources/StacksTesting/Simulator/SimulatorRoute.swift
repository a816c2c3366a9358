import HTTPTypes

/// A parsed request path.
struct SimulatorRoute {
    var operation: SimulatedOperation
    /// The stack's key, empty if the path has none.
    var stack = ""
    /// The job's UUID as it was sent, empty if the path has none.
    var job = ""
    var query: [String: String] = [:]
}

extension SimulatorRoute {
    /// - Parameter basePath: The prefix of all paths, without a trailing slash: `/v3`.
    /// - Throws: 404 without a matching route, 400 for invalid percent-encoding.
    init(method: HTTPRequest.Method, target: String, basePath: String) throws(Refusal) {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let path = parts[0]
        guard path.hasPrefix(basePath + "/") else { throw .noRoute(method: method, path: path) }
        var segments: [String] = []
        for segment in path.dropFirst(basePath.count + 1).split(separator: "/", omittingEmptySubsequences: false) {
            // Rails parses an unencoded dot as the start of a format, so that such a path matches no route.
            guard !segment.contains("."), !segment.isEmpty else { throw .noRoute(method: method, path: path) }
            segments.append(try Self.decode(segment, plusIsSpace: false))
        }
        let names = (segments.first ?? "", segments.count)
        switch (names.0, names.1) {
        case ("token", 1) where method == .get: self.init(operation: .tokenIdentity)
        case ("stacks", 2) where segments[1] == "register" && method == .post: self.init(operation: .registerStack)
        case ("stacks", 3...):
            guard let operation = Self.stackOperation(method: method, segments: Array(segments[2...])) else {
                throw .noRoute(method: method, path: path)
            }
            self.init(operation: operation, stack: segments[1])
            if operation == .getJob || operation == .finishJob { job = segments[3] }
        case ("jobs", 3) where method == .put:
            switch segments[2] {
            case "acquire": self.init(operation: .agentAcquire, job: segments[1])
            case "start": self.init(operation: .agentStart, job: segments[1])
            case "finish": self.init(operation: .agentFinish, job: segments[1])
            default: throw .noRoute(method: method, path: path)
            }
        default: throw .noRoute(method: method, path: path)
        }
        if parts.count == 2 { query = try Self.parse(query: parts[1]) }
    }

    private static func stackOperation(method: HTTPRequest.Method, segments: [String]) -> SimulatedOperation? {
        switch (method, segments.count, segments[0], segments.last) {
        case (.post, 1, "deregister", _): .deregisterStack
        case (.get, 1, "scheduled-jobs", _): .listScheduledJobs
        case (.put, 2, "scheduled-jobs", "batch-reserve"): .reserveJobs
        case (.post, 2, "jobs", "get-states"): .getJobStates
        case (.get, 2, "jobs", _): .getJob
        case (.post, 3, "jobs", "finish"): .finishJob
        case (.post, 1, "job-acquisition-tokens", _): .issueJobAcquisitionTokens
        case (.post, 1, "notifications", _): .createNotifications
        default: nil
        }
    }

    private static func parse(query: Substring) throws(Refusal) -> [String: String] {
        var values: [String: String] = [:]
        for pair in query.split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = try decode(sides[0], plusIsSpace: true)
            values[name] = sides.count == 2 ? try decode(sides[1], plusIsSpace: true) : ""
        }
        return values
    }

    private static func decode(_ text: Substring, plusIsSpace: Bool) throws(Refusal) -> String {
        guard text.utf8.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) else {
            return String(text)
        }
        var bytes: [UInt8] = []
        var rest = text.utf8
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(hexValue), let low = rest.popFirst().flatMap(hexValue) else {
                    throw .badRequest("The percent-encoding of the path or query is invalid.")
                }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace: bytes.append(UInt8(ascii: " "))
            default: bytes.append(byte)
            }
        }
        guard let decoded = String(validating: bytes, as: UTF8.self) else {
            throw .badRequest("The path or query is not valid UTF-8.")
        }
        return decoded
    }

    private static func hexValue(_ byte: UInt8) -> UInt8? {
        Character(UnicodeScalar(byte)).hexDigitValue.map(UInt8.init)
    }
}
