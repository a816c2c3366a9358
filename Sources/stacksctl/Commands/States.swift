import ArgumentParser
import StacksAPI

/// `stacksctl states`
struct States: APICommand {
    static let configuration = CommandConfiguration.subcommand(
        abstract: "Show the states of jobs.",
        discussion: """
            A job that the server does not know is not in the JSON, and is 'unknown to the server' in the table.

            EXAMPLE:
              stacksctl states --stack mac-fleet 01890f5e-3b7c-7d14-9c0b-2f6a3d1e8b55
            """
    )

    @OptionGroup var stackOption: StackOption
    @OptionGroup var jobArguments: JobArguments
    @OptionGroup(visibility: .globalOption) var global: GlobalOptions

    func result(from client: StacksClient) async throws -> CommandResult {
        let jobs = try jobArguments.identifiers()
        let response = try await client.jobStates(jobs, stack: stackOption.stack)
        return CommandResult(response.value, asked: jobs).from(response)
    }
}

extension CommandResult {
    /// The states of jobs, in the order of the request.
    init(_ states: JobStates, asked: [JobID]) {
        var table = Table(.left("JOB"), .left("STATE"))
        for job in asked {
            let isUnreadable = states.unreadableJobs.contains(job)
            table.add(
                job.description,
                states[job]?.rawValue ?? (isUnreadable ? "cannot be decoded" : "unknown to the server"))
        }
        let members = states.states.map { ($0.key.description, JSONValue.string($0.value.rawValue)) }
        self.init(members: ["states": .object(Dictionary(members) { _, last in last })], lines: table.lines)
    }
}
