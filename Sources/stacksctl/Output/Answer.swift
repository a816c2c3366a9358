import HTTPTypes
import StacksAPI
import StacksTransport

/// What a command prints: the same facts in both forms.
struct Answer {
    /// The document for scripts, an object with the API's own field names.
    var members: [String: JSONValue]
    /// The lines for people.
    var lines: [String]
    /// The header fields that came with it; of the last answer, when there were several.
    var headerFields: HTTPFields?
    /// The parts of a long list that failed. What the others achieved is printed all the same.
    var failedBatches: [FailedBatch] = []

    init(members: [String: JSONValue], lines: [String]) {
        self.members = members
        self.lines = lines
    }

    /// The answer with what `response` says beside its value.
    func from(_ response: StacksResponse<some Sendable>) -> Answer {
        var answer = self
        answer.headerFields = response.headerFields.fields
        answer.failedBatches = response.failedBatches
        return answer
    }

    /// The text for stdout.
    func text(as form: GlobalOptions.OutputForm, withHeaders: Bool) throws -> String {
        // A name's spelling differs between HTTP/1.1 and HTTP/2; lowercase is what a script can count on.
        let headers = withHeaders ? (headerFields ?? [:]).map { ($0.name.canonicalName, $0.value) } : []
        switch form {
        case .json:
            var members = members
            if withHeaders {
                // Joined at once: a server may send one name many thousand times.
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
