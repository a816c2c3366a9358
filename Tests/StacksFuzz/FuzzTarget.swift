import DocumentProof
import StacksAPI

/// One thing that reads what a server sends, and what must hold whatever it is given. A crash, or a precondition that
/// does not hold, is a find.
enum FuzzTarget {
    /// All readers of responses, compared with Foundation's decoder. The first byte chooses the kind.
    case differential
    /// The reader of one kind of response.
    case document(DocumentKind)
    /// Any document, passed over.
    case anything
    /// A string, read, written and read again.
    case string
    /// A body as the log shows it.
    case logged
    /// A header block: every field by name and all of them, the rate limit, how long to wait.
    case headers
    /// Dates of JSON and of HTTP.
    case dates
    /// A cursor: out of a page and into the next request's path.
    case cursor

    static let all =
        [.differential] + DocumentKind.allCases.map { .document($0) }
        + [FuzzTarget.anything, .string, .logged, .headers, .dates, .cursor]

    /// The target's name on the command line.
    var name: String {
        if case .document(let kind) = self { kind.rawValue } else { "\(self)" }
    }

    init?(name: String) {
        guard let target = Self.all.first(where: { $0.name == name }) else { return nil }
        self = target
    }

    func test(_ bytes: [UInt8]) {
        switch self {
        case .differential: testDifferential(bytes)
        case .document(.refusal): testRefusal(bytes)
        case .document(let kind): testReader(bytes, kind)
        case .anything: testAnything(bytes)
        case .string: testString(bytes)
        case .logged: testLogged(bytes)
        case .headers: testHeaders(bytes)
        case .dates: testDates(bytes)
        case .cursor: testCursor(bytes)
        }
    }

    /// Inputs to start from, made from fixed seeds.
    var seeds: [[UInt8]] {
        var generator = DocumentGenerator(seed: 1)
        func documents(_ kinds: [DocumentKind], _ count: Int) -> [[UInt8]] {
            kinds.flatMap { kind in (0..<count).map { _ in generator.document(kind) } }
        }
        switch self {
        case .differential:
            return DocumentKind.allCases.enumerated().flatMap { index, kind in
                (0..<8).map { _ in [UInt8(index)] + generator.document(kind) }
            }
        case .anything, .logged: return documents(DocumentKind.allCases, 4)
        case .cursor: return documents([.scheduledJobs], 40)
        case .string:
            return ["\"\"", "\"a\\u0041\\n\"", "\"\\ud83d\\ude00é€\"", "\"a long string of some forty characters!\""]
                .map { Array($0.utf8) }
        case .headers: return Self.headerSeeds.map { Array($0.utf8) }
        case .dates: return Self.dateSeeds.map { Array($0.utf8) }
        case .document(let kind): return documents([kind], 40)
        }
    }

    private static let headerSeeds = [
        "HTTP/2 200\r\nratelimit-scope: show-job\r\nratelimit-limit: 1000\r\nratelimit-remaining: 999\r\n"
            + "ratelimit-reset: 1\r\nx-request-id: 3f\r\n\r\n",
        "RateLimit-Reset: 0.5\nRetry-After: 7\nDate: Sun, 06 Nov 1994 08:49:37 GMT\n",
        "retry-after: Sun, 06 Nov 1994 08:49:47 GMT\r\ndate:Sun, 06 Nov 1994 08:49:37 GMT\r\n",
        "no colon\r\n: no name\r\nname:\r\n  folded: value \t\r\nlast: without an end",
    ]

    private static let dateSeeds = [
        "2026-11-19T08:30:00Z", "2026-11-19T08:30:00.123456789+01:00", "2024-02-29 23:59:60-0530",
        "0000-01-01t00:00:00z",
        "Sun, 06 Nov 1994 08:49:37 GMT", "Thu, 31 Dec 9999 23:59:59 GMT",
    ]
}
