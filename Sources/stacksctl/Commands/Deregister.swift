import ArgumentParser
import StacksAPI

/// `stacksctl deregister`
struct Deregister: APICommand {
    static let configuration = CommandConfiguration.subcommand(
        abstract: "De-register a stack.",
        discussion: "Its reservations remain until they expire.\n\nEXAMPLE:\n  stacksctl deregister --key mac-fleet"
    )

    @OptionGroup(visibility: .globalOption) var global: GlobalOptions

    @Option(help: ArgumentHelp("The stack's key.", valueName: "key"))
    var key: String

    func result(from client: StacksClient) async throws -> CommandResult {
        let response = try await client.deregisterStack(key: key)
        return CommandResult(members: [:], lines: ["Deregistered \(printable(key))."]).from(response)
    }
}
