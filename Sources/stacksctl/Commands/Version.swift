import ArgumentParser
import StandardStreams

/// `stacksctl version`
struct Version: AsyncParsableCommand {
    static let configuration = CommandConfiguration.subcommand(
        abstract: "Show the version, and what the tool was built with.",
        discussion: "It makes no call and needs no token.\n\nEXAMPLE:\n  stacksctl version --verbose"
    )

    @OptionGroup(visibility: .globalOption) var global: GlobalOptions

    @Flag(name: .shortAndLong, help: "Also show libcurl, TLS, HTTP/2, Swift, the platform and the transports.")
    var verbose = false

    func validate() throws {
        if global.headers { throw ValidationError("--headers needs a command that makes a call.") }
    }

    func run() async throws {
        let build = BuildFacts.ofThisProcess
        try StandardOutput.write((verbose ? build.result : build.short).text(as: global.output, withHeaders: false))
    }
}
