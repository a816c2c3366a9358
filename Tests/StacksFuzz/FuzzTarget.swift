import DocumentProof
import StacksAPI

/// One thing that reads what a server sends, and what must hold whatever it is given. A crash, or a precondition that
/// does not hold, is a find.
enum FuzzTarget: String, CaseIterable {
    /// All readers of answers, compared with Foundation's decoder. The first byte chooses the kind.
    case differential
    case stack
    case scheduledJobs = "scheduled-jobs"
    case reservation
    case job
    case jobStates = "job-states"
    case acquisitionTokens = "acquisition-tokens"
    case notificationResult = "notification-result"
    case tokenIdentity = "token-identity"
    /// The body of an error: message and rate limit.
    case refusal
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

    func test(_ bytes: [UInt8]) {
        switch self {
        case .differential: testDifferential(bytes)
        case .stack: testReader(bytes, WireReading.stack)
        case .scheduledJobs: testReader(bytes, WireReading.scheduledJobs)
        case .reservation: testReader(bytes, WireReading.reservation)
        case .job: testReader(bytes, WireReading.job)
        case .jobStates: testReader(bytes, WireReading.jobStates)
        case .acquisitionTokens: testReader(bytes, WireReading.acquisitionTokens)
        case .notificationResult: testReader(bytes, WireReading.notificationResult)
        case .tokenIdentity: testReader(bytes, WireReading.tokenIdentity)
        case .refusal: testRefusal(bytes)
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
        default: return DocumentKind(rawValue: rawValue).map { documents([$0], 40) } ?? []
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
