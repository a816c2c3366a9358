import ArgumentParser
import StacksAPI

/// `stacksctl reserve`
struct Reserve: APICommand {
    static let configuration = CommandConfiguration.subcommand(
        abstract: "Reserve jobs, so that no other stack takes them.",
        discussion: """
            A job is not reserved if another stack has it or if it is no longer scheduled. That is not an error, even \
            if no job is reserved. Reserving a job again extends its reservation.

            EXAMPLES:
              stacksctl reserve --stack mac-fleet --expiry 600 01890f5e-3b7c-7d14-9c0b-2f6a3d1e8b55
              stacksctl list --stack mac-fleet --queue default --output json | jq -r '.jobs[].id' |
                stacksctl reserve --stack mac-fleet -
            """
    )

    @OptionGroup var stackOption: StackOption
    @OptionGroup var jobArguments: JobArguments
    @OptionGroup(visibility: .globalOption) var global: GlobalOptions

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The time until the reservation expires, 1 to 3600. (default: the server's, 900)",
            valueName: "seconds"
        )
    )
    var expiry: Int?

    func result(from client: StacksClient) async throws -> CommandResult {
        let response = try await client.reserveJobs(
            jobArguments.identifiers(),
            stack: stackOption.stack,
            expiry: expiry.map { .seconds($0) }
        )
        return CommandResult(response.value).from(response)
    }
}

extension CommandResult {
    /// The jobs that were reserved, and those that were not.
    init(_ reservation: Reservation) {
        var table = Table(.left("JOB"), .left("RESERVED"))
        for job in reservation.reserved { table.add(job.description, "yes") }
        for job in reservation.notReserved { table.add(job.description, "no") }
        self.init(
            members: [
                "reserved": .array(reservation.reserved.map { .string($0.description) }),
                "not_reserved": .array(reservation.notReserved.map { .string($0.description) }),
            ],
            lines: table.lines
        )
    }
}
