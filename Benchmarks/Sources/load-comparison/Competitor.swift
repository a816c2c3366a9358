/// Who takes part: a program, and the flags that it is started with.
enum Competitor: String, CaseIterable, Codable, Sendable {
    case floor
    case stacksCurl = "stacks-curl"
    case stacksCurlExecutor = "stacks-curl-executor"
    case stacksMemory = "stacks-memory"
    case stacksURLSession = "stacks-urlsession"
    case asyncHTTPClient = "async-http-client"

    /// Those of a quick run: what this package is responsible for, and the floor.
    static let quick: [Competitor] = [.floor, .stacksCurl, .stacksCurlExecutor, .stacksMemory]

    /// The name of its program.
    var program: String { self == .stacksCurlExecutor ? "stacks-curl" : rawValue }

    var flags: [String] { self == .stacksCurlExecutor ? ["--executor"] : [] }

    /// In words.
    var title: String {
        switch self {
        case .floor: "libcurl in C, no JSON"
        case .stacksCurl: "StacksClient, CurlTransport"
        case .stacksCurlExecutor: "StacksClient, CurlTransport, on its executor"
        case .stacksMemory: "StacksClient, in memory"
        case .stacksURLSession: "StacksClient, URLSessionTransport"
        case .asyncHTTPClient: "async-http-client, JSONDecoder"
        }
    }
}
