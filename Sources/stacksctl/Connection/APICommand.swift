import ArgumentParser
import Foundation
import StacksAPI
import StandardStreams

/// A command that is one operation of the API: it asks, and prints what was answered.
protocol APICommand: AsyncParsableCommand {
    var global: GlobalOptions { get }

    /// Asks the API.
    func answer(from client: StacksClient) async throws -> Answer
}

extension APICommand {
    func run() async throws {
        let connection = try Connection(options: global, logger: global.logger())
        let answer = try await connection.closing { try await self.answer(from: connection.client) }
        try StandardOutput.write(answer.text(as: global.output, withHeaders: global.headers))
        guard let failure = answer.failure else { return }
        throw failure
    }
}

extension Answer {
    /// What went wrong for part of a long list, or `nil` when nothing did.
    fileprivate var failure: Failure? {
        guard let first = failedBatches.first else { return nil }
        let failed = failedBatches.reduce(0) { $0 + $1.range.count }
        return .refused("\(failed) of the jobs given are not in this answer: \(printable(first.error.description))")
    }
}

extension CommandConfiguration {
    /// A subcommand's help, which leaves the options that all commands share to the tool's own.
    static func subcommand(abstract: String, discussion: String) -> CommandConfiguration {
        let note = "All commands take the global options that 'stacksctl --help' lists, '--output json' among them."
        return CommandConfiguration(abstract: abstract, discussion: "\(discussion)\n\n\(note)")
    }
}
