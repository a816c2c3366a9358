import ArgumentParser
import StacksAPI
import StacksController

/// The command and its subcommands.
@main
struct Stacksctl: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stacksctl",
        abstract: "Speak Buildkite's Stacks API from the command line.",
        usage: "stacksctl [<global options>] <subcommand> [<options>]",
        discussion: """
            A stack is a controller that takes scheduled jobs from a queue and starts an agent for each. These commands \
            are the API's operations, one each, and 'run' is a whole controller.

            The answer goes to stdout, as a table or with '--output json' as one JSON document with the API's own \
            field names; logs and errors go to stderr. Exit status: 0 when it was done, 1 when the API or the network \
            said no, 64 when the command line is wrong.

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
        ]
    )

    // Here too, so that the options may stand before the subcommand as well as after it.
    @OptionGroup(title: "Global options, before or after the subcommand") var global: GlobalOptions

    /// Parses, runs, and turns what is thrown into the exit status that is promised.
    static func main() async {
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let failure as Failure {
            exit(with: failure)
        } catch let error as StacksAPIError {
            exit(with: Failure(error))
        } catch let error as StackControllerError {
            exit(with: Failure(error))
        } catch {
            exit(withError: error)
        }
    }

    private static func exit(with failure: Failure) -> Never {
        StandardError.write(failure.message)
        exit(withError: failure.exitCode)
    }
}
