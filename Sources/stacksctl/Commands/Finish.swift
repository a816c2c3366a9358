import ArgumentParser
import StacksAPI

/// `stacksctl finish`
struct Finish: APICommand {
    static let configuration = CommandConfiguration.subcommand(
        abstract: "Finish a job that no agent will run, and say why.",
        discussion: """
            It is done at most once for a job, so it is not sent again after an answer was lost: look at the job's \
            state then.

            EXAMPLE:
              stacksctl finish --stack mac-fleet 01890f5e-3b7c-7d14-9c0b-2f6a3d1e8b55 --detail "no capacity left"
            """
    )

    @OptionGroup var stackOption: StackOption
    @OptionGroup(visibility: .hidden) var global: GlobalOptions

    @Argument(help: ArgumentHelp("The job's UUID.", valueName: "job"))
    var job: JobArgument

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "What happened, shown with the job; cropped to 4096 bytes, with a marker at its end and a line in the log.",
            valueName: "text")
    )
    var detail: String

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The job's exit status; 0 means that it passed.", valueName: "status")
    )
    var exitStatus = -1

    func answer(from client: StacksClient) async throws -> Answer {
        let response = try await client.finishJob(
            job.id,
            stack: stackOption.stack,
            exitStatus: exitStatus,
            detail: detail
        )
        return Answer(
            members: [:], lines: ["Finished \(printable(job.id.description)) with exit status \(exitStatus)."]
        )
        .from(response)
    }
}
