import ArgumentParser
import StacksAPI

/// `JOB…`: UUIDs, or `-` to read one per line from stdin.
struct JobArguments: ParsableArguments {
    @Argument(help: ArgumentHelp("The jobs' UUIDs, or '-' to read one per line from stdin.", valueName: "job"))
    var jobs: [String]

    /// The jobs in the order of the command line.
    ///
    /// - Throws: ``Failure`` when there is none: the API accepts no empty list.
    func identifiers() throws -> [JobID] {
        let identifiers = try Self.expand(jobs) { readLine() }
        guard !identifiers.isEmpty else { throw Failure.usage("no job given: stdin has no line with a UUID.") }
        return identifiers
    }

    /// Replaces each `-` with the lines of stdin. Blank lines, and blanks around a UUID, are ignored.
    static func expand(_ arguments: [String], nextLine: () -> String?) throws -> [JobID] {
        var identifiers: [JobID] = []
        for argument in arguments {
            guard argument == "-" else {
                identifiers.append(JobID(argument))
                continue
            }
            while let line = nextLine() {
                let trimmed = line.drop(while: \.isWhitespace)
                guard let last = trimmed.lastIndex(where: { !$0.isWhitespace }) else { continue }
                identifiers.append(JobID(String(trimmed[...last])))
            }
        }
        return identifiers
    }
}

/// `JOB`: one UUID. Any string that is not empty is accepted: the server decides whether it names a job.
struct JobArgument: ExpressibleByArgument {
    let id: JobID

    init?(argument: String) {
        guard !argument.isEmpty else { return nil }
        id = JobID(argument)
    }
}
