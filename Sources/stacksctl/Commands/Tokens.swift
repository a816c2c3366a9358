import ArgumentParser
import StacksAPI

/// `stacksctl tokens`
struct Tokens: APICommand {
    static let configuration = CommandConfiguration.subcommand(
        abstract: "Issue the tokens with which agents acquire reserved jobs.",
        discussion: """
            A token, 'bkjat_…', is a credential for one job and is printed here in the clear, by this command alone. \
            Hand it to the process that runs the agent, in its environment:

              BUILDKITE_AGENT_TOKEN=bkjat_… BUILDKITE_AGENT_ACQUIRE_JOB=<job> buildkite-agent start

            EXAMPLE:
              stacksctl tokens --stack mac-fleet 01890f5e-3b7c-7d14-9c0b-2f6a3d1e8b55
            """
    )

    @OptionGroup var stackOption: StackOption
    @OptionGroup var jobArguments: JobArguments
    @OptionGroup(visibility: .hidden) var global: GlobalOptions

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "How long the tokens are good, 1 to 3600. (default: the server's, 900)", valueName: "seconds")
    )
    var lifetime: Int?

    func answer(from client: StacksClient) async throws -> Answer {
        let response = try await client.issueJobAcquisitionTokens(
            for: jobArguments.identifiers(),
            stack: stackOption.stack,
            lifetime: lifetime.map { .seconds($0) }
        )
        return Answer(response.value).from(response)
    }
}

extension Answer {
    /// Tokens in the clear, and the jobs that got none.
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
