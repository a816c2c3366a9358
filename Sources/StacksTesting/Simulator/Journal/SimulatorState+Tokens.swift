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
        var found = knownTokens(in: Array(request.path.utf8), isEncoded: true).map { ($0, "the path") }
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

    /// Looks for tokens in the logs that have grown since the last time: in their new parts, and between these and the
    /// parts beside them. What has been looked through is not looked through again.
    mutating func lookForTokensInLogs() {
        for (index, sequences) in grownLogs {
            let log = jobs[index].job.logChunks
            let sorted = sequences.sorted()
            // The end of the text before a part, as long as a token, if it is known from the last part.
            var end: [UInt8]?
            for (place, sequence) in sorted.enumerated() {
                let isFollowed = place + 1 < sorted.count && log.sequence(after: sequence) == sorted[place + 1]
                var text = end ?? log.bytes(before: sequence, count: tokenPatterns.longest)
                text += log[sequence]?.bytes ?? []
                end = isFollowed ? Array(text.suffix(tokenPatterns.longest)) : nil
                // A part that is new itself follows with its own text.
                if !isFollowed { text += log.bytes(after: sequence, count: tokenPatterns.longest) }
                searchedLogBytes += text.count
                note(knownTokens(in: text), inLogOf: index)
            }
        }
        grownLogs = [:]
    }

    private mutating func note(_ tokens: [KnownToken], inLogOf index: Int) {
        for token in tokens {
            let found = MisplacedToken(
                job: token.job, explanation: "\(token.name) in the log of \(jobs[index].job.id)")
            let known = tokensInLogs[index] ?? []
            guard known.count < RequestCounts.keptTokens, !known.contains(found) else { continue }
            tokensInLogs[index] = known + [found]
        }
    }

    /// The tokens in a text that the simulator has issued, or that are its organizations'.
    ///
    /// - Parameter isEncoded: Whether a token counts too of which a letter is percent-encoded.
    func knownTokens(in text: [UInt8], isEncoded: Bool = false) -> [KnownToken] {
        tokenPatterns.places(in: text, isEncoded: isEncoded).compactMap { place in
            let token = String(decoding: place.bytes, as: UTF8.self)
            if agentTokens[token] != nil { return KnownToken(name: "an agent token") }
            if let agent = accessTokens[token] {
                return KnownToken(name: "an agent's access token", job: agents[agent].agent.job)
            }
            if let token = tokens[token] {
                return KnownToken(name: "a job acquisition token", job: jobs[token.job].job.id)
            }
            return nil
        }
    }
}

extension StacksSimulator {
    /// How many bytes the checks have looked through in logs.
    package var searchedLogBytes: Int { withState { state, _ in state.searchedLogBytes } }
}

/// A token that the simulator knows.
struct KnownToken {
    var name: String
    /// The UUID of its job, or `nil` for an agent token.
    var job: String?
}

/// How tokens look: those of organizations, which may be any text, and whatever begins as a token does.
struct TokenPatterns {
    /// A shorter token of an organization could be a part of any text, and is not looked for.
    private static let shortest = 8
    private static let prefixes = ["bkct_", "bkjat_", "bkaat_"].map { Array($0.utf8) }

    private let whole: [[UInt8]]
    /// The length of the longest token.
    let longest: Int
    /// Which bytes begin one, and which follow, so that most of a text is passed over.
    private var isFirst = [Bool](repeating: false, count: 256)
    private var isSecond = [Bool](repeating: false, count: 256)

    init(tokens: [String]) {
        whole = tokens.map { Array($0.utf8) }.filter { $0.count >= Self.shortest }
        let issued = SeededGenerator.tokenLength + (Self.prefixes.map(\.count).max() ?? 0)
        longest = whole.map(\.count).reduce(issued, max)
        for start in whole + Self.prefixes {
            isFirst[Int(start[0])] = true
            isSecond[Int(start[1])] = true
        }
    }

    /// Where tokens are in a text.
    ///
    /// - Parameter isEncoded: Whether those count too of which a letter is percent-encoded.
    /// - Returns: Their ranges in the text in order, each once, and their bytes, decoded.
    func places(in text: [UInt8], isEncoded: Bool) -> [(range: Range<Int>, bytes: ArraySlice<UInt8>)] {
        let asSent = ranges(in: text).map { (range: $0, bytes: text[$0]) }
        guard isEncoded, text.contains(UInt8(ascii: "%")) else { return asSent }
        let known = Set(asSent.map(\.range))
        let (bytes, offsets) = PercentEncoding.decodeWhatIsValid(text)
        let decoded = ranges(in: bytes)
            .map { (range: offsets[$0.lowerBound]..<offsets[$0.upperBound], bytes: bytes[$0]) }
            .filter { !known.contains($0.range) }
        return (asSent + decoded).sorted {
            ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
        }
    }

    private func ranges(in bytes: [UInt8]) -> [Range<Int>] {
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
