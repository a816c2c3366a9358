extension UnreadableJob {
    /// How many of a page are told of: as many as a page holds. One with more is no page of jobs.
    static let maximum = 1000

    /// Passes over the job at `place`, which could not be read, and says why.
    static func read(
        _ reader: inout JSONReader, at place: JSONReader.Place, position: Int, _ error: JSONError
    ) throws(JSONError) -> UnreadableJob {
        // Throws where the document itself goes wrong: then there is no telling where the next job begins.
        let bytes = try reader.passValue(at: place)
        let id: JobID? = reader.identifier(named: "id", at: place)
        let document = Array(bytes)
        var field = JSONPath.locate(offset: error.offset - (reader.offset - bytes.count), in: document)
        if case .missingField(let name) = error.reason { field = name }
        return UnreadableJob(position: position, id: id, field: printable(field), reason: "\(error.reason)")
    }

    /// A path is made of the server's own keys: whatever is no plain character is not shown.
    private static func printable(_ path: String) -> String {
        String(String.UnicodeScalarView(path.unicodeScalars.map { (" "..."~").contains($0) ? $0 : "\u{FFFD}" }))
    }
}
