import Contestant
import StacksAPI
import StacksContestant
import StacksURLSession
import TrustedAuthority

/// `StacksClient` over `URLSessionTransport`, on Linux.
@main
enum StacksURLSessionContestant: ContestantProgram {
    static func run() async throws {
        let arguments = ContestantArguments()
        guard trusted_authority_use(arguments.authorityFile) == 0 else { throw NoAuthority() }
        let calls = try StacksCalls(baseURL: arguments.baseURL, transport: URLSessionTransport())
        try await Conversation.hold(engine: "FoundationNetworking") { order, latencies in
            await calls.carryOut(order, latencies)
        }
    }

    struct NoAuthority: Error, CustomStringConvertible {
        let description = "URLSession cannot be made to trust the server's authority here"
    }
}
