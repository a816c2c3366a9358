import ArgumentParser
import StacksAPI

/// `stacksctl finish`
struct Finish: APICommand {
    static let configuration = CommandConfiguration.subcommand(
        abstract: "Finish a job that no agent will run, with the reason.",
        discussion: """
            A job is finished at most once, so this is not retried when the response is lost. The job's state then \
            shows what happened.

            EXAMPLE:
              stacksctl finish --stack mac-fleet 01890f5e-3b7c-7d14-9c0b-2f6a3d1e8b55 --detail "no capacity left"
            """
    )

    @OptionGroup var stackOption: StackOption
    @OptionGroup(visibility: .globalOption) var global: GlobalOptions

    @Argument(help: ArgumentHelp("The job's UUID.", valueName: "job"))
    var job: JobArgument

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The reason, shown on the job's page; cropped to 4096 bytes, with a marker at its end and a line in the log.",
            valueName: "text")
    )
    var detail: String

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The job's exit status; 0 means that it passed.", valueName: "status")
    )
    var exitStatus = -1

    func result(from client: StacksClient) async throws -> CommandResult {
        let response = try await client.finishJob(
            job.id,
            stack: stackOption.stack,
            exitStatus: exitStatus,
            detail: detail
        )
        return CommandResult(
            members: [:], lines: ["Finished \(printable(job.id.description)) with exit status \(exitStatus)."]
        )
        .from(response)
    }
}
