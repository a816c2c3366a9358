import Contestant
import StacksAPI
import StacksContestant
import StacksCurl

/// `StacksClient` over `CurlTransport`; with `--executor`, its callers run on the transport's I/O thread.
@main
enum StacksCurlContestant: ContestantProgram {
    static func run() async throws {
        let arguments = ContestantArguments()
        var configuration = CurlTransport.Configuration()
        configuration.certificateAuthorities = .file(arguments.authorityFile)
        configuration.proxy = .none
        let transport = try CurlTransport(configuration: configuration)
        let calls = try StacksCalls(baseURL: arguments.baseURL, transport: transport)
        let usesExecutor = arguments.flags.contains("--executor")
        try await Conversation.hold(engine: "libcurl/\(CurlTransport.libraryVersion)") { order, latencies in
            guard usesExecutor else { return await calls.carryOut(order, latencies) }
            return await withTaskExecutorPreference(transport.executor) { await calls.carryOut(order, latencies) }
        }
        await transport.shutdown()
    }
}
