import ArgumentParser
import StacksAPI

/// `stacksctl deregister`
struct Deregister: APICommand {
    static let configuration = CommandConfiguration.subcommand(
        abstract: "Say that a stack has gone.",
        discussion: "Its reservations stay until they expire.\n\nEXAMPLE:\n  stacksctl deregister --key mac-fleet"
    )

    @OptionGroup(visibility: .hidden) var global: GlobalOptions

    @Option(help: ArgumentHelp("The stack's key.", valueName: "key"))
    var key: String

    func answer(from client: StacksClient) async throws -> Answer {
        let response = try await client.deregisterStack(key: key)
        return Answer(members: [:], lines: ["Deregistered \(printable(key))."]).from(response)
    }
}
