import ArgumentParser
import StacksAPI
import StandardStreams

/// A command that makes one call of the API and prints its result.
protocol APICommand: AsyncParsableCommand {
    var global: GlobalOptions { get }

    /// Calls the API.
    func result(from client: StacksClient) async throws -> CommandResult
}

extension APICommand {
    func run() async throws {
        try DescriptorLimit.raise(for: DescriptorLimit.forConnections)
        let connection = try Connection(options: global, logger: global.logger())
        let result = try await connection.closing { try await self.result(from: connection.client) }
        try StandardOutput.write(result.text(as: global.output, withHeaders: global.headers))
        guard let failure = result.failure else { return }
        throw failure
    }
}

extension CommandResult {
    /// Why part of a long list failed, or `nil` when nothing did.
    fileprivate var failure: Failure? {
        guard let first = failedBatches.first else { return interruption }
        let failed = failedBatches.reduce(0) { $0 + $1.range.count }
        return .refused("this result lacks \(failed) of the jobs: \(printable(first.error.description))")
    }
}

extension CommandConfiguration {
    /// A subcommand's help. The options that all commands share are in the tool's own help.
    static func subcommand(abstract: String, discussion: String) -> CommandConfiguration {
        let note = "All commands accept the global options that 'stacksctl --help' lists, such as '--output json'."
        return CommandConfiguration(abstract: abstract, discussion: "\(discussion)\n\n\(note)")
    }
}
