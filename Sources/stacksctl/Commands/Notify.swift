import ArgumentParser
import StacksAPI

/// `stacksctl notify`
struct Notify: APICommand {
    static let configuration = CommandConfiguration.subcommand(
        abstract: "Add a line to the page of a waiting job.",
        discussion: """
            EXAMPLE:
              stacksctl notify --stack mac-fleet 01890f5e-3b7c-7d14-9c0b-2f6a3d1e8b55 "VM 17 is booting"
            """
    )

    @OptionGroup var stackOption: StackOption
    @OptionGroup(visibility: .globalOption) var global: GlobalOptions

    @Argument(help: ArgumentHelp("The job's UUID.", valueName: "job"))
    var job: JobArgument

    @Argument(
        help: ArgumentHelp(
            "The text to show; cropped to 256 characters, with a marker at its end and a line in the log.",
            valueName: "detail"))
    var detail: String

    @Option(
        help: ArgumentHelp(
            "The time of the event in ISO 8601, such as 2026-04-01T09:30:00Z. (default: when the server receives it)",
            valueName: "iso8601"
        )
    )
    var timestamp: Timestamp?

    func result(from client: StacksClient) async throws -> CommandResult {
        let response = try await client.notify(
            job.id,
            detail: detail,
            timestamp: timestamp?.date,
            stack: stackOption.stack
        )
        // The status is 200 even if the server rejected the notification, so the errors decide.
        if let failure = response.value.failures.first {
            throw Failure.refused("the server rejected the notification: \(printable(failure.error))")
        }
        return CommandResult(members: ["errors": []], lines: ["Notified \(printable(job.id.description))."])
            .from(response)
    }
}
