import ArgumentParser
import StacksAPI

/// `stacksctl tokens`
struct Tokens: APICommand {
    static let configuration = CommandConfiguration.subcommand(
        abstract: "Issue tokens that let agents acquire reserved jobs.",
        discussion: """
            A token, 'bkjat_…', is a credential for one job. This command prints it in plain text; no other command \
            does. Pass it to the agent's process in its environment:

              BUILDKITE_AGENT_TOKEN=bkjat_… BUILDKITE_AGENT_ACQUIRE_JOB=<job> buildkite-agent start

            EXAMPLE:
              stacksctl tokens --stack mac-fleet 01890f5e-3b7c-7d14-9c0b-2f6a3d1e8b55
            """
    )

    @OptionGroup var stackOption: StackOption
    @OptionGroup var jobArguments: JobArguments
    @OptionGroup(visibility: .globalOption) var global: GlobalOptions

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The time until the tokens expire, 1 to 3600. (default: the server's, 900)", valueName: "seconds")
    )
    var lifetime: Int?

    func result(from client: StacksClient) async throws -> CommandResult {
        let response = try await client.issueJobAcquisitionTokens(
            for: jobArguments.identifiers(),
            stack: stackOption.stack,
            lifetime: lifetime.map { .seconds($0) }
        )
        return CommandResult(response.value).from(response)
    }
}

extension CommandResult {
    /// Tokens in plain text, and the jobs without one.
    init(_ tokens: JobAcquisitionTokens) {
        var table = Table(.left("JOB"), .left("TOKEN"), .left("EXPIRES"))
        for token in tokens.issued {
            table.add(token.job.description, token.token.value, token.expiresAt.map(iso8601))
        }
        for job in tokens.notIssued { table.add(job.description, "not issued", nil) }
        self.init(
            members: [
                "job_acquisition_tokens": .array(
                    tokens.issued.map { token in
                        [
                            "job_uuid": .string(token.job.description),
                            "job_acquisition_token": .string(token.token.value),
                            "expires_at": .init(token.expiresAt),
                        ]
                    }
                ),
                "not_issued": .array(tokens.notIssued.map { .string($0.description) }),
            ],
            lines: table.lines
        )
    }
}
