import ArgumentParser
import StacksAPI
import StacksController
import StacksTransport
import StandardStreams

/// The command and its subcommands.
@main
struct Stacksctl: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stacksctl",
        abstract: "Use Buildkite's Stacks API from the command line.",
        usage: "stacksctl [<global options>] <subcommand> [<options>]",
        discussion: """
            A stack is a controller that takes scheduled jobs from a queue and starts an agent for each. Each command \
            makes one call of the API; 'run' is a whole controller.

            The result goes to stdout, as a table, or with '--output json' as one JSON document with the API's field \
            names. Logs and errors go to stderr. Exit status: 0 for success, 1 if the API refused, the network failed \
            or the result could not be written, 64 for a wrong command line.

            EXAMPLES:
              export BUILDKITE_AGENT_TOKEN=bkct_…
              stacksctl register --key my-stack --queue default
              stacksctl list --stack my-stack --queue default --limit 10
              stacksctl run --stack my-stack --queue default -- buildkite-agent start
            """,
        version: StacksAPIVersion.current,
        groupedSubcommands: [
            CommandGroup(name: "Stack", subcommands: [Register.self, Deregister.self, Run.self]),
            CommandGroup(
                name: "Job",
                subcommands: [
                    List.self, Get.self, Reserve.self, States.self, Tokens.self, Finish.self, Notify.self,
                ]
            ),
            CommandGroup(name: "Token", subcommands: [Whoami.self]),
            CommandGroup(name: "Tool", subcommands: [Version.self]),
        ]
    )

    // Also here, so that the options may come before the subcommand as well as after it.
    @OptionGroup(title: "Global options, before or after the subcommand") var global: GlobalOptions

    static func main() async {
        if GlobalOptions.LogFormat.requested(by: CommandLine.arguments) == .json { StandardError.form = .json }
        await runAsTool(named: "stacksctl") { error in
            switch error {
            case let error as StacksAPIError: Failure(error)
            case let error as StackControllerError: Failure(error)
            case let error as ConfigurationError: Failure(error)
            default: nil
            }
        }
    }
}
