import HTTPTypes
import StacksTransport

/// A token that was seen where none may be.
struct MisplacedToken: Sendable, Hashable {
    /// The UUID of the job that it is for, or `nil` for an agent token.
    var job: String?
    /// What it is, and where it was.
    var explanation: String
}

extension SimulatorState {
    /// Looks for tokens in a request, except for the field that is for them. Logs are looked through by a check.
    mutating func lookForTokens(in request: TransportRequest, of entry: SimulatedRequest, organization: Int?) {
        var found = knownTokens(inPath: Array(request.path.utf8)).map { ($0, "the path") }
        if let body = request.body, entry.operation != .agentLogChunk {
            found += knownTokens(in: body).map { ($0, "the body") }
        }
        for field in request.headerFields where field.name != .authorization {
            found += knownTokens(in: Array(field.value.utf8)).map { ($0, "a header field") }
        }
        let name = entry.operation?.rawValue ?? entry.method
        for (token, place) in found {
            let token = MisplacedToken(
                job: token.job, explanation: "\(token.name) in \(place) of request \(entry.number), \(name)")
            count(organization) { $0.add(token) }
        }
    }

    /// Looks for tokens in the logs that have grown since the last time.
    mutating func lookForTokensInLogs() {
        for index in grownLogs {
            let job = jobs[index].job
            for token in knownTokens(in: job.logBytes) {
                let found = MisplacedToken(job: token.job, explanation: "\(token.name) in the log of \(job.id)")
                let known = tokensInLogs[index] ?? []
                guard known.count < RequestCounts.keptTokens, !known.contains(found) else { continue }
                tokensInLogs[index] = known + [found]
            }
        }
        grownLogs = []
    }

    /// The tokens in a path, also those of which a letter is percent-encoded.
    private func knownTokens(inPath path: [UInt8]) -> [(name: String, job: String?)] {
        let asSent = knownTokens(in: path)
        guard path.contains(UInt8(ascii: "%")) else { return asSent }
        // A token may itself have what looks like an encoded letter.
        let decoded = knownTokens(in: PercentEncoding.decodeWhatIsValid(path).bytes)
        return decoded.count > asSent.count ? decoded : asSent
    }

    /// The tokens in a text that the simulator has issued, or that are its organizations'.
    func knownTokens(in bytes: [UInt8]) -> [(name: String, job: String?)] {
        tokenPatterns.ranges(in: bytes).compactMap { range -> (name: String, job: String?)? in
            let text = String(decoding: bytes[range], as: UTF8.self)
            if agentTokens[text] != nil { return ("an agent token", nil) }
            if let agent = accessTokens[text] { return ("an agent's access token", agents[agent].agent.job) }
            if let token = tokens[text] { return ("a job acquisition token", jobs[token.job].job.id) }
            return nil
        }
    }
}

/// How tokens look: those of organizations, which may be any text, and whatever begins as a token does.
struct TokenPatterns {
    /// A shorter token of an organization could be a part of any text, and is not looked for.
    private static let shortest = 8
    private static let prefixes = ["bkct_", "bkjat_", "bkaat_"].map { Array($0.utf8) }

    private let whole: [[UInt8]]
    /// Which bytes begin one, and which follow, so that most of a text is passed over.
    private var isFirst = [Bool](repeating: false, count: 256)
    private var isSecond = [Bool](repeating: false, count: 256)

    init(tokens: [String]) {
        whole = tokens.map { Array($0.utf8) }.filter { $0.count >= Self.shortest }
        for start in whole + Self.prefixes {
            isFirst[Int(start[0])] = true
            isSecond[Int(start[1])] = true
        }
    }

    /// Where tokens are in a text.
    func ranges(in bytes: [UInt8]) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var index = 0
        while index + 1 < bytes.count {
            defer { index += 1 }
            guard isFirst[Int(bytes[index])], isSecond[Int(bytes[index + 1])] else { continue }
            let rest = bytes[index...]
            var end = whole.filter { rest.starts(with: $0) }.map { index + $0.count }.max() ?? index
            if Self.prefixes.contains(where: { rest.starts(with: $0) }) {
                end = max(end, rest.firstIndex { !Self.isOfToken($0) } ?? bytes.count)
            }
            guard end > index else { continue }
            ranges.append(index..<end)
            index = end - 1
        }
        return ranges
    }

    private static func isOfToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: false
        }
    }
}
