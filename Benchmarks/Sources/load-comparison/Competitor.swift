import Workload

/// Who takes part: a program, and the flags that it is started with.
enum Competitor: String, CaseIterable, Codable, Sendable {
    case floor
    /// The loop in C as one would write it at first.
    case plainLoop = "plain-loop"
    case stacksCurl = "stacks-curl"
    case stacksCurlExecutor = "stacks-curl-executor"
    case stacksMemory = "stacks-memory"
    case stacksMemoryBare = "stacks-memory-bare"
    case stacksMemoryFull = "stacks-memory-full"
    case stacksURLSession = "stacks-urlsession"
    case asyncHTTPClient = "async-http-client"
    /// A program that is not of this package and speaks as a contestant does.
    case guest

    /// What this package is responsible for, and the floor.
    static let own: [Competitor] = [.floor, .stacksCurl, .stacksCurlExecutor, .stacksMemory]

    /// Those of the goals.
    static let goals: [Competitor] = own + [.plainLoop, .stacksMemoryBare, .stacksMemoryFull]

    /// Those whose instructions Valgrind counts where the processor does not.
    static let countedByValgrind: [Competitor] = [
        .floor, .stacksCurl, .stacksCurlExecutor, .stacksMemoryBare, .stacksMemoryFull,
    ]

    /// Those that the baseline has as well.
    static let ofBaseline: [Competitor] = [
        .stacksCurl, .stacksCurlExecutor, .stacksMemory, .stacksMemoryBare, .stacksMemoryFull,
    ]

    /// The name of its program.
    var program: String {
        switch self {
        case .plainLoop: Self.floor.rawValue
        case .stacksCurlExecutor: Self.stacksCurl.rawValue
        case .stacksMemoryBare, .stacksMemoryFull: Self.stacksMemory.rawValue
        default: rawValue
        }
    }

    /// What its program is started with.
    func arguments(at server: Server) -> [String] {
        ["--url", server.url, "--ca-file", server.authorityFile] + flags
    }

    private var flags: [String] {
        switch self {
        case .plainLoop: ["--plain"]
        case .stacksCurlExecutor: ["--executor"]
        case .stacksMemoryBare: ["--bare"]
        case .stacksMemoryFull: ["--full"]
        default: []
        }
    }

    /// Whether it takes part without a network.
    var isInMemory: Bool { program == Self.stacksMemory.rawValue }

    /// Whether it takes part in calls of this kind. What a client's equipment costs shows on the smallest call, and is the
    /// same on the others.
    func takesPart(in cell: Cell) -> Bool {
        switch self {
        case .stacksMemoryBare, .stacksMemoryFull: cell.call == .states1
        default: true
        }
    }
}
