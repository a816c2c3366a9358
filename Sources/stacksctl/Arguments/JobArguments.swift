import ArgumentParser
import StacksAPI

/// `JOB…`: UUIDs, or `-` for one a line from stdin.
struct JobArguments: ParsableArguments {
    @Argument(help: ArgumentHelp("The jobs' UUIDs, or '-' to read one a line from stdin.", valueName: "job"))
    var jobs: [String]

    /// The jobs in the order in which they were given.
    ///
    /// - Throws: ``Failure`` when there is none: the API takes no empty list.
    func identifiers() throws -> [JobID] {
        let identifiers = try Self.expand(jobs) { readLine() }
        guard !identifiers.isEmpty else { throw Failure.usage("no job given: stdin held no line with a UUID.") }
        return identifiers
    }

    /// Puts the lines of stdin where a `-` stands. Blank lines and blanks around a UUID do not count.
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

/// `JOB`: one UUID. Any string that is not empty is taken: whether it names a job is the server's to say.
struct JobArgument: ExpressibleByArgument {
    let id: JobID

    init?(argument: String) {
        guard !argument.isEmpty else { return nil }
        id = JobID(argument)
    }
}
