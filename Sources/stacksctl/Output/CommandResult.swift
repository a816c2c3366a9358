import HTTPTypes
import StacksAPI
import StacksTransport

/// What a command prints: the same facts in both formats.
struct CommandResult {
    /// The document for scripts, an object with the API's own field names.
    var members: [String: JSONValue]
    /// The lines for people.
    var lines: [String]
    /// The response's header fields; those of the last response if there were several.
    var headerFields: HTTPFields?
    /// The parts of a long list that failed. The results of the other parts are printed.
    var failedBatches: [FailedBatch] = []
    /// Why the result is incomplete. It is printed anyway.
    var interruption: Failure?

    init(members: [String: JSONValue], lines: [String]) {
        self.members = members
        self.lines = lines
    }

    /// The result with the response's header fields and failed parts.
    func from(_ response: StacksResponse<some Sendable>) -> CommandResult {
        var result = self
        result.headerFields = response.headerFields.fields
        result.failedBatches = response.failedBatches
        return result
    }

    /// The text for stdout.
    func text(as form: GlobalOptions.OutputForm, withHeaders: Bool) throws -> String {
        // Names differ in case between HTTP/1.1 and HTTP/2; scripts can rely on lowercase.
        let headers = withHeaders ? (headerFields ?? [:]).map { ($0.name.canonicalName, $0.value) } : []
        switch form {
        case .json:
            var members = members
            if withHeaders {
                // Grouped first: a server may send one name many thousands of times.
                members["headers"] = .object(
                    Dictionary(grouping: headers, by: \.0).mapValues { .string($0.map(\.1).joined(separator: ", ")) })
            }
            return try JSONValue.object(members).text()
        case .table:
            var table = Table(.left("HEADER"), .left("VALUE"))
            for (name, value) in headers.sorted(by: { $0.0 < $1.0 }) { table.add(name, value) }
            return (lines + (withHeaders ? [""] + table.lines : [])).joined(separator: "\n")
        }
    }
}
