import ArgumentParser
import StacksAPI

/// `stacksctl get`
struct Get: APICommand {
    static let configuration = CommandConfiguration.subcommand(
        abstract: "Show a job's command and the names of its environment variables.",
        discussion: """
            Values can be secrets: only --show-values shows them. Without it, the table omits them, and in JSON each \
            one is null.

            EXAMPLE:
              stacksctl get --stack mac-fleet 01890f5e-3b7c-7d14-9c0b-2f6a3d1e8b55
            """
    )

    @OptionGroup var stackOption: StackOption
    @OptionGroup(visibility: .globalOption) var global: GlobalOptions

    @Argument(help: ArgumentHelp("The job's UUID.", valueName: "job"))
    var job: JobArgument

    @Flag(help: "Also show the values of the environment variables.")
    var showValues = false

    func result(from client: StacksClient) async throws -> CommandResult {
        let response = try await client.job(job.id, stack: stackOption.stack)
        return CommandResult(response.value, showsValues: showValues).from(response)
    }
}

extension CommandResult {
    /// A job, with or without the values of its environment.
    init(_ job: Job, showsValues: Bool) {
        var properties = PropertyList()
        properties.add("id", job.id.description)
        properties.add("command", job.command)
        var lines = properties.lines
        if !job.environment.isEmpty {
            var table = showsValues ? Table(.left("ENVIRONMENT"), .left("VALUE")) : Table(.left("ENVIRONMENT"))
            for (name, value) in job.environment.sorted(by: { $0.key < $1.key }) {
                if showsValues { table.add(name, value) } else { table.add(name) }
            }
            lines += [""] + table.lines
        }
        self.init(
            members: [
                "id": .string(job.id.description),
                "command": .string(job.command),
                "env": .object(job.environment.mapValues { showsValues ? .string($0) : .null }),
            ],
            lines: lines
        )
    }
}
